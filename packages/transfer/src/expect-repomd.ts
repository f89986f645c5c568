/**
 * A metalink says what repomd.xml is. A mirror that was forgotten has an old one, and a hostile one has any.
 */
import { createHash } from 'node:crypto'
import { readBody } from '@repokeeper/object-store'
import type { RepomdFacts } from './mirror-list.ts'
import { repomdBytesMax, repomdPath } from './read-generation.ts'
import type { RepositorySource } from './source.ts'
import { TransferError } from './transfer-error.ts'

/** The same source, which has no repomd.xml but one of these. */
export function expectRepomd(source: RepositorySource, expected: readonly RepomdFacts[]): RepositorySource {
  return {
    ...source,
    async open(path, options) {
      const answer = await source.open(path, options)
      if (path !== repomdPath || answer.kind !== 'found') return answer
      const bytes = await readBody(answer.body, repomdBytesMax).catch((error: unknown) => {
        if (error instanceof RangeError) throw unexpected(source, error)
        throw error
      })
      if (!expected.some((facts) => isIt(bytes, facts))) throw unexpected(source)
      return { ...answer, body: once(bytes) }
    },
  }
}

function isIt(bytes: Uint8Array, { size, digest }: RepomdFacts): boolean {
  if (size !== undefined && size !== bytes.length) return false
  return digest === undefined || createHash(digest.type).update(bytes).digest('hex') === digest.hex
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

function unexpected({ name }: RepositorySource, cause?: unknown): TransferError {
  return new TransferError('BAD_SOURCE', `${name}: its repomd.xml is not the one that the metalink describes`, {
    cause,
  })
}
