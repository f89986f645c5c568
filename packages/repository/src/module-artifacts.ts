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
/** An artifact has some 100 bytes, and its line most often no more; of a longer line only so much is looked at. */
const lineBytesMax = 2 ** 22

/**
 * The artifacts of all streams, as `name-epoch:version-release.arch`. The document is not parsed as YAML: whatever
 * word looks like an artifact is taken for one, and keeps one package more at worst.
 *
 * @throws RepositoryError where there are modules that cannot be read: who goes by this must not take them for none. StoreError
 */
export async function readModuleArtifacts(
  location: RepositoryLocation,
  { repomd }: Pick<Snapshot, 'repomd'>,
  context: RepositoryContext,
): Promise<Set<string>> {
  try {
    const record = recordOf(repomd, 'modules')
    if (record === undefined) return new Set()
    const got = await location.store.get(recordKey(location, record), withSignal(context))
    if (got.kind !== 'found')
      throw new DocumentError('MISSING', `${record.href}: repomd.xml names it, but it is not there`)
    return await moduleArtifactsIn(got.body)
  } catch (error) {
    throw explain(error, location)
  }
}

/** The same of a document at hand. @param chunks its bytes as they are stored @throws DocumentError */
export async function moduleArtifactsIn(chunks: AsyncIterable<Uint8Array>): Promise<Set<string>> {
  const artifacts = new Set<string>()
  for await (const line of linesOf(decompress(chunks, modulesBytesMax))) {
    for (const artifact of artifactsIn(line)) artifacts.add(artifact)
  }
  return artifacts
}

// "      - nodejs-1:18.20.4-1.module_el9+1.x86_64", in quotes, with a comment, or as one of several in brackets
function artifactsIn(line: string): string[] {
  const words = line.split(/[\s"',[\]{}#]+/).filter((word) => /-[^-]+-[^-]+\.[^.]+$/.test(word))
  return words.flatMap((word) => {
    const nevra = parseNevra(word)
    return nevra === undefined ? [] : [moduleArtifact({ ...nevra, epoch: nevra.epoch ?? '0' })]
  })
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
