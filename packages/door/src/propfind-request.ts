/**
 * What a PROPFIND asks for (RFC 4918, section 9.1), and a PROPPATCH would change (section 9.2).
 */
import { childOf, dav, type XmlElement } from './xml-body.ts'

export interface PropertyName {
  readonly namespace: string
  readonly name: string
}

export type AskedProperties =
  | { readonly kind: 'all' }
  | { readonly kind: 'names' }
  | { readonly kind: 'some'; readonly properties: readonly PropertyName[] }

/** @param body absent: then all of them are asked for @returns `undefined`: it is none that a PROPFIND may have */
export function parsePropfind(body: XmlElement | undefined): AskedProperties | undefined {
  if (body === undefined) return { kind: 'all' }
  if (body.namespace !== dav || body.name !== 'propfind') return undefined
  const some = childOf(body, 'prop')
  if (some !== undefined) return { kind: 'some', properties: namesIn(some) }
  if (childOf(body, 'propname') !== undefined) return { kind: 'names' }
  return childOf(body, 'allprop') === undefined ? undefined : { kind: 'all' }
}

/** @returns what is to be set or removed; `undefined`: it is none that a PROPPATCH may have */
export function parsePropertyUpdate(body: XmlElement | undefined): PropertyName[] | undefined {
  if (body?.namespace !== dav || body.name !== 'propertyupdate') return undefined
  const changes = body.children.filter(({ namespace, name }) => namespace === dav && ['set', 'remove'].includes(name))
  const properties = changes
    .flatMap((change) => change.children.filter((child) => child.name === 'prop'))
    .flatMap(namesIn)
  return properties.length === 0 ? undefined : properties
}

function namesIn({ children }: XmlElement): PropertyName[] {
  return children.map(({ namespace, name }) => ({ namespace, name }))
}
