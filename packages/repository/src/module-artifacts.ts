/**
 * What the module streams of a repository are made of.
 */
import { StringDecoder } from 'node:string_decoder'
import { DocumentError, decompress, recordOf } from '@repokeeper/repodata'
import { parseNevra } from '@repokeeper/rpm-parser'
import { type RepositoryContext, type RepositoryLocation, withSignal } from './context.ts'
import { moduleArtifact } from './prune-plan.ts'
import { explain, recordKey, type Snapshot } from './snapshot.ts'

/** Those of the largest distributions have some 10 MB, open. */
const modulesBytesMax = 512 * 2 ** 20
/** An artifact is a line of some 100 bytes; a longer one is something else, and its rest is not looked at. */
const lineBytesMax = 4_096

/**
 * The artifacts of all streams, as `name-epoch:version-release.arch`. The document is not parsed as YAML: modulemd has each
 * artifact as an item of a list, and whatever else looks like one keeps one package more.
 *
 * @throws RepositoryError where there are modules that cannot be read: who goes by this must not take them for none. StoreError
 */
export async function readModuleArtifacts(
  location: RepositoryLocation,
  { repomd }: Pick<Snapshot, 'repomd'>,
  context: RepositoryContext,
): Promise<Set<string>> {
  const artifacts = new Set<string>()
  try {
    const record = recordOf(repomd, 'modules')
    if (record === undefined) return artifacts
    const got = await location.store.get(recordKey(location, record), withSignal(context))
    if (got.kind !== 'found')
      throw new DocumentError('MISSING', `${record.href}: repomd.xml names it, but it is not there`)
    for await (const line of linesOf(decompress(got.body, modulesBytesMax))) {
      const artifact = artifactOf(line)
      if (artifact !== undefined) artifacts.add(artifact)
    }
    return artifacts
  } catch (error) {
    throw explain(error, location)
  }
}

// "      - nodejs-1:18.20.4-1.module_el9+1.x86_64", also in quotes
function artifactOf(line: string): string | undefined {
  const item = /^\s*-\s+(["']?)([^\s"']+)\1\s*$/.exec(line)?.[2]
  const nevra = item === undefined ? undefined : parseNevra(item)
  return nevra === undefined ? undefined : moduleArtifact({ ...nevra, epoch: nevra.epoch ?? '0' })
}

async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  for await (const chunk of chunks) {
    const lines = (rest + decoder.write(Buffer.from(chunk))).split('\n')
    rest = lines.pop()?.slice(0, lineBytesMax) ?? ''
    yield* lines
  }
  yield rest + decoder.end()
}
