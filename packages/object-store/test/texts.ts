/** Objects whose content is text, and keys in the order of their bytes: what tests of stores put and read. */
import { createHash } from 'node:crypto'
import { type GetOptions, type ListOptions, type ObjectStore, readBody } from '../src/index.ts'

export async function readFrom(store: ObjectStore, key: string, options?: GetOptions): Promise<string> {
  const outcome = await store.get(key, options)
  if (outcome.kind !== 'found') throw new Error(`${key}: ${outcome.kind}`)
  return text(await readBody(outcome.body, 10_000_000))
}

export async function keysOf(store: ObjectStore, prefix: string, options?: ListOptions): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list(prefix, options)) keys.push(key)
  return keys
}

export async function* pieces(texts: string[]): AsyncGenerator<Uint8Array> {
  for (const piece of texts) yield bytesOf(piece)
}

export function bytesOf(content: string): Uint8Array {
  return new TextEncoder().encode(content)
}

export function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

export function digest(content: string): string {
  return createHash('sha256').update(content).digest('hex')
}

export function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
