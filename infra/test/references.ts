import { functionOf } from './evaluate.ts'
import type { Json, Template } from './template.ts'

export interface References {
  /** Parameters, pseudo parameters and resources. */
  readonly resources: string[]
  readonly conditions: string[]
  readonly maps: string[]
}

/** Everything that the parts of a template refer to, as often as they do. */
export function referencesOf({ Conditions, Resources, Outputs, Rules }: Template): References {
  const found: References = { resources: [], conditions: [], maps: [] }
  for (const value of [Conditions, Rules, ...Object.values(Resources), ...Object.values(Outputs)]) {
    if (typeof value.Condition === 'string') found.conditions.push(value.Condition)
    if ('DependsOn' in value && Array.isArray(value.DependsOn)) found.resources.push(...value.DependsOn.map(String))
    collect(value, found)
  }
  return found
}

/** What CloudFormation brings up before this resource, because it, or something that it waits for, refers to it. */
export function waitsFor(template: Template, name: string): Set<string> {
  const found = new Set<string>()
  for (const waiting = [name]; waiting.length > 0; ) {
    const next = waiting.pop() ?? ''
    const { resources } = referencesOf({
      ...template,
      Conditions: {},
      Rules: {},
      Outputs: {},
      Resources: Object.fromEntries(Object.entries(template.Resources).filter(([other]) => other === next)),
    })
    const others = resources.filter((other) => other in template.Resources && !found.has(other))
    for (const other of others) found.add(other)
    waiting.push(...others)
  }
  return found
}

function collect(value: unknown, found: References): void {
  if (typeof value !== 'object' || value === null) return
  const call = functionOf(value as Json)
  if (call !== undefined) {
    const [name, argument] = call
    const first = Array.isArray(argument) ? String(argument[0]) : ''
    if (name === 'Ref') found.resources.push(String(argument))
    if (name === 'Fn::GetAtt') found.resources.push(first)
    if (name === 'Fn::If') found.conditions.push(first)
    if (name === 'Condition') found.conditions.push(String(argument))
    if (name === 'Fn::FindInMap') found.maps.push(first)
    if (name === 'Fn::Sub') found.resources.push(...namesIn(argument))
  }
  for (const item of Object.values(value)) collect(item, found)
}

/** Of `${Queue.Arn}` the resource; what the call brings along itself is none. */
function namesIn(argument: Json): string[] {
  const [text, variables] = Array.isArray(argument) ? argument : [argument]
  const own = Object.keys(typeof variables === 'object' && variables !== null ? variables : {})
  const names = [...String(text).matchAll(/\$\{([^!}][^}]*)\}/g)].map(([, name = '']) => name)
  return names.filter((name) => !own.includes(name)).map((name) => name.replace(/\..*/, ''))
}
