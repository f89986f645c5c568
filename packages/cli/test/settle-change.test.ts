/** After a change: what a person is told of who brings the metadata into line. */
import { PassThrough } from 'node:stream'
import { MemoryStore } from '@repokeeper/object-store'
import { MemoryCache, parseRepositoryRoot, realContext } from '@repokeeper/repository'
import { expect, it } from 'vitest'
import { Interruption } from '../src/interruption.ts'
import type { OpenRepository } from '../src/open-repository.ts'
import { Output } from '../src/output.ts'
import { settleChange } from '../src/settle-change.ts'

const change = { dryRun: false, json: false, wait: false, timeoutSeconds: 1, publish: undefined }
const uploaded = [{ path: 'foo.rpm', sha256: '0'.repeat(64) }]

/** What it says on stderr of a bucket to which nobody has published. */
async function toldOf(options: Partial<typeof change>, isTTY: boolean): Promise<string> {
  const stderr = Object.assign(new PassThrough(), { isTTY })
  const output = new Output(new PassThrough(), stderr)
  const cli = { output, interruption: new Interruption(), environment: {}, exitCode: 0 }
  const repository: OpenRepository = {
    location: { store: new MemoryStore({ name: 's3://bucket' }), root: parseRepositoryRoot('el9') },
    ...{ name: 's3://bucket/el9/', isDirectory: false, singleWriter: false },
    toCopy: (...words) => `repokeeper ${words.join(' ')}`,
    context: () => realContext({ cache: new MemoryCache(), onEvent: () => {} }),
  }
  expect(await settleChange(repository, uploaded, { ...change, ...options }, cli)).toEqual({ ok: true })
  return String(stderr.read() ?? '')
}

it('says at a terminal who brings the metadata of a bucket into line, and what to do where nobody does', async () => {
  const line = await toldOf({}, true)
  expect(line).toMatch(
    /^a worker brings the metadata into line .*"repokeeper audit s3:\/\/bucket\/el9\/ --repair".*--publish\n$/,
  )
})

it.each([
  ['in a pipeline', {}, false],
  ['where the result is JSON', { json: true }, true],
  ['where nothing was changed', { dryRun: true }, true],
])('says nothing of it %s', async (_, options, isTTY) => {
  expect(await toldOf(options, isTTY)).toBe('')
})
