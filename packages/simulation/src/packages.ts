/**
 * The objects that are uploaded: a few packages, and something that is none.
 */
import { buildPackage } from '@repokeeper/rpm-parser/testing'

const described = new Map<string, string>()

/** Two of one name, as an upgrade at the same key; all of different sizes. */
export const contents: readonly Buffer[] = [
  build('bear', '1.0'),
  build('bear', '2.0'),
  build('zebra', '3.0'),
  Buffer.from('no package at all'),
]

/** `name version`; `undefined` where it is no package. */
export function describeContent(bytes: Uint8Array): string | undefined {
  return described.get(Buffer.from(bytes).toString('latin1'))
}

function build(name: string, version: string): Buffer {
  const summary = `${name} ${version} `.repeat(version.length + Number.parseInt(version, 10))
  const bytes = Buffer.from(buildPackage({ name, version, summary, files: [{ path: `/usr/bin/${name}` }] }))
  described.set(bytes.toString('latin1'), `${name} ${version}`)
  return bytes
}
