/**
 * What real clients and createrepo_c make of a repository in which superseded documents and records of generations lie, and are
 * cleaned up.
 */
import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type ObjectStore, readBody } from '@repokeeper/object-store'
import { expect, it } from 'vitest'
import { describeWithClients } from '../../../../fixtures/describe-with-clients.ts'
import { openDnf } from '../../../../fixtures/dnf.ts'
import { clientPlaceForTests } from './client-place.ts'
import { harbourFiles } from './harbour-repository.ts'

const run = promisify(execFile)
const root = 'el9/x86_64'
const dayMs = 24 * 3600 * 1000

/** Published one by one: three generations, of which two are superseded. */
const place = clientPlaceForTests(async (opened) => {
  const files = await harbourFiles(await opened.makeDirectory())
  for (const file of files.slice(0, 3)) await opened.repokeeper('add', opened.repoOf(root), file, '--publish')
})

describeWithClients(['createrepo_c'], 'createrepo_c --update', () => {
  it('leaves the records where they are, is recorded itself, and is cleaned up after', async () => {
    const directory = await place().download(root)
    const before = await recordsIn(directory)
    expect(before).toHaveLength(2)

    // Ours may be a second or two ahead of the time after quick publishes; then nobody could tell which came first.
    const revision = ['--revision', '9999999999']
    const { stderr } = await run('createrepo_c', ['--update', '--quiet', ...revision, directory])
    expect(stderr).toBe('')
    expect(await recordsIn(directory)).toEqual(before)
    expect(await place().repokeeper('plan', directory)).toContain('3 packages in the directory, 3 listed')
    const theirs = await readFile(join(directory, 'repodata', 'repomd.xml'), 'utf8')

    const [, , , , file = ''] = await harbourFiles(await place().makeDirectory())
    await place().repokeeper('add', directory, file)
    expect(await recordsIn(directory)).toHaveLength(3)
    const last = (await recordsIn(directory)).at(-1) ?? ''
    expect(await readFile(join(directory, 'repodata', last), 'utf8')).toBe(theirs)

    await place().repokeeper('gc', directory, '--retention', '0')
    const current = await readFile(join(directory, 'repodata', 'repomd.xml'), 'utf8')
    expect((await namesIn(directory)).sort()).toEqual([...hrefsOf(current), 'repomd.xml'].sort())
    await run('createrepo_c', ['--update', '--quiet', directory])
    expect(await place().repokeeper('plan', directory)).toContain('they agree')
  })
})

describeWithClients(['dnf'], 'dnf with the repomd.xml of a generation before', () => {
  it('gets all that it lists for a day after that was superseded, and not for ever', async () => {
    const { cloud, repoOf, repokeeper, store, urlOf, makeDirectory } = place()
    const records = await Promise.all((await keysOf(/-repomd\.xml$/)).map((key) => bytesOf(store, key)))
    // Of one second the names don't tell which came first; the revisions do.
    const [first = Buffer.alloc(0)] = records.toSorted((a, b) => revisionIn(a) - revisionIn(b))
    /** Everything as it is now, but for a repomd.xml that is of yesterday. */
    const query = async (at: string): Promise<string> => {
      for await (const { key } of store.list(`${root}/`)) {
        const object = await store.get(key)
        if (object.kind !== 'found') throw new Error(`${key} is ${object.kind}`)
        const bytes = key.endsWith('/repomd.xml') ? first : await readBody(object.body, 2 ** 27)
        await store.put(`${at}${key.slice(root.length)}`, bytes, { if: 'always' })
      }
      return (await (await openDnf(await makeDirectory(), urlOf(at)))('repoquery', '--quiet')).stdout
    }
    // The second generation superseded it a moment ago by the store's clock.
    cloud.clock.advance(dayMs - 600_000)
    expect(await repokeeper('gc', repoOf(root))).toContain('nothing to delete')
    expect((await query('yesterday')).trimEnd().split('\n')).toHaveLength(1)
    cloud.clock.advance(601_000)
    expect(await repokeeper('gc', repoOf(root))).toContain('deleted 6 documents, 2 records of generations')
    await expect(query('the-day-before')).rejects.toThrow(/Failed to download metadata|404/)
    const now = await openDnf(await makeDirectory(), urlOf(root))
    expect((await now('repoquery', '--quiet')).stdout.trimEnd().split('\n')).toHaveLength(3)
  })
})

async function bytesOf(store: ObjectStore, key: string): Promise<Uint8Array> {
  const got = await store.get(key)
  if (got.kind !== 'found') throw new Error(`${key} is ${got.kind}`)
  return readBody(got.body, 2 ** 20)
}

function revisionIn(repomd: Uint8Array): number {
  return Number(/<revision>([0-9]+)</.exec(Buffer.from(repomd).toString())?.[1])
}

async function keysOf(pattern: RegExp): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of place().store.list(`${root}/repodata/`)) if (pattern.test(key)) keys.push(key)
  return keys.filter((key) => !key.endsWith('/repomd.xml'))
}

async function namesIn(directory: string): Promise<string[]> {
  return (await readdir(join(directory, 'repodata'))).filter((name) => !name.startsWith('.repokeeper-'))
}

async function recordsIn(directory: string): Promise<string[]> {
  return (await namesIn(directory)).filter((name) => name.endsWith('-repomd.xml')).sort()
}

function hrefsOf(repomd: string): string[] {
  return [...repomd.matchAll(/<location href="repodata\/([^"]+)"/g)].map(([, name]) => name ?? '')
}
