import { formatXml, type XmlNode } from '../xml.ts'
import { queryCodeOf } from './error.ts'
import type { Protocol } from './protocol.ts'

const namespace = 'http://queue.amazonaws.com/doc/2012-11-05/'

/** The names that lists and maps of the JSON protocol have here, where they are flattened. */
const listNames: Readonly<Record<string, string>> = {
  AttributeName: 'AttributeNames',
  MessageSystemAttributeName: 'MessageSystemAttributeNames',
  MessageAttributeName: 'MessageAttributeNames',
  SendMessageBatchRequestEntry: 'Entries',
  DeleteMessageBatchRequestEntry: 'Entries',
  ChangeMessageVisibilityBatchRequestEntry: 'Entries',
}
const mapNames: Readonly<Record<string, string>> = {
  Attribute: 'Attributes',
  MessageAttribute: 'MessageAttributes',
  Tag: 'tags',
}

type Shaped = string | readonly Shaped[] | { readonly [name: string]: Shaped }
/** A map, as names come from the client: `__proto__` is one like any other. */
type Branch = Map<string, Branch | string>

/** The API's deepest parameter: `SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.StringValue`. */
const depthMax = 8

/**
 * The parameters of a form, in the shape of the JSON protocol.
 * `Attribute.1.Name=DelaySeconds&Attribute.1.Value=5` → `{ Attributes: { DelaySeconds: '5' } }`
 */
export function parseQueryParameters(form: ReadonlyMap<string, string>): Shaped {
  const tree: Branch = new Map()
  for (const [path, value] of form) {
    const names = path.split('.')
    if (names.length <= depthMax) plant(tree, names, value)
  }
  return shape(tree)
}

/** `<SendMessageResponse><SendMessageResult>…</SendMessageResult><ResponseMetadata>…</ResponseMetadata></SendMessageResponse>` */
export const queryProtocol: Protocol = {
  formatResult(operation, result, requestId) {
    const members = Object.entries(result).flatMap(([name, value]) => formatMember(operation, name, value))
    const metadata: XmlNode = ['ResponseMetadata', [['RequestId', requestId]]]
    return {
      status: 200,
      headers: { 'content-type': 'text/xml' },
      body: formatXml([`${operation}Response`, [[`${operation}Result`, members], metadata]], namespace),
    }
  },
  formatError({ status, code, message }, requestId) {
    const type = status < 500 ? 'Sender' : 'Receiver'
    return {
      status,
      headers: { 'content-type': 'text/xml' },
      body: formatXml(
        [
          'ErrorResponse',
          [
            [
              'Error',
              [
                ['Type', type],
                ['Code', queryCodeOf(code)],
                ['Message', message],
              ],
            ],
            ['RequestId', requestId],
          ],
        ],
        namespace,
      ),
      errorCode: code,
    }
  },
}

function plant(branch: Branch, [name = '', ...rest]: readonly string[], value: string): void {
  if (rest.length === 0) {
    branch.set(name, value)
    return
  }
  const existing = branch.get(name)
  const next: Branch = existing instanceof Map ? existing : new Map()
  branch.set(name, next)
  plant(next, rest, value)
}

function shape(branch: Branch): { readonly [name: string]: Shaped } {
  return Object.fromEntries(
    [...branch].map(([name, value]): [string, Shaped] => {
      const list = listNames[name]
      const map = mapNames[name]
      if (typeof value === 'string') return [name, value]
      if (list !== undefined) return [list, inOrder(value)]
      return map === undefined ? [name, shape(value)] : [map, Object.fromEntries(inOrder(value).flatMap(asPair))]
    }),
  )
}

/** `{ 1: a, 2: b }` → `[a, b]` */
function inOrder(numbered: Branch): Shaped[] {
  return [...numbered]
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([, value]) => (typeof value === 'string' ? value : shape(value)))
}

function asPair(entry: Shaped): [string, Shaped][] {
  if (typeof entry === 'string' || isList(entry)) return []
  const name = entry.Name ?? entry.Key
  const value = entry.Value
  return typeof name === 'string' && value !== undefined ? [[name, value]] : []
}

function isList(value: Shaped): value is readonly Shaped[] {
  return Array.isArray(value)
}

function formatMember(operation: string, name: string, value: unknown): XmlNode[] {
  const element = elementName(operation, name)
  if (Array.isArray(value)) return value.map((item): XmlNode => [element, formatItem(operation, item)])
  if (isRecord(value)) {
    return Object.entries(value).map(
      ([key, item]): XmlNode => [
        element,
        [
          ['Name', key],
          ['Value', formatItem(operation, item)],
        ],
      ],
    )
  }
  return [[element, formatItem(operation, value)]]
}

function formatItem(operation: string, item: unknown): XmlNode[1] {
  if (isRecord(item)) return Object.entries(item).flatMap(([name, value]) => formatMember(operation, name, value))
  return typeof item === 'string' || typeof item === 'number' || typeof item === 'boolean' ? item : undefined
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function elementName(operation: string, name: string): string {
  const names: Readonly<Record<string, string>> = {
    Attributes: 'Attribute',
    Failed: 'BatchResultErrorEntry',
    MessageAttributes: 'MessageAttribute',
    Messages: 'Message',
    QueueUrls: 'QueueUrl',
    queueUrls: 'QueueUrl',
    Successful: `${operation}ResultEntry`,
  }
  return names[name] ?? name
}
