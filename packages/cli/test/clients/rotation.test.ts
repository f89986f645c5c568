/**
 * One key follows another, as `key rotate` says it: before, between and after, with clients that began with the old key.
 */
import { execFile } from 'node:child_process'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { describeWithClients } from '../../../../fixtures/describe-with-clients.ts'
import { openDnf } from '../../../../fixtures/dnf.ts'
import { openZypper } from '../../../../fixtures/zypper.ts'
import { clientPlaceForTests } from './client-place.ts'
import { describeAsRoot } from './describe-as-root.ts'
import { failureOutput } from './failure-output.ts'
import { harbourFiles } from './harbour-repository.ts'

const root = 'rotating'
const keys = { old: '', next: '', both: '' }
const files: string[] = []
const past = '2020-01-01'
const future = '2199-01-01'

const place = clientPlaceForTests(async (client) => {
  const directory = await client.makeDirectory()
  files.push(...(await harbourFiles(directory)).filter((file) => !file.endsWith('.src.rpm')))
  Object.assign(keys, { old: join(directory, 'old.asc'), next: join(directory, 'next.asc') })
  keys.both = join(directory, 'next.with-previous.asc')
  await client.repokeeper('key', 'new', '--user-id', 'Old <old@example.com>', '--kind', 'ed25519', '-o', keys.old)
  await client.repokeeper('key', 'rotate', keys.old, '--user-id', 'Next <next@example.com>', '-o', keys.next)
})

let published = 0
/** Another package each time, so that there is something to fetch. */
async function publish(...signing: readonly string[]): Promise<void> {
  const file = files[published] ?? ''
  published += 1
  await place().repokeeper('add', place().repoOf(root), file, '--publish', ...signing)
}

const before = () => publish('--sign-key', keys.old)
const turning = (from: string) =>
  publish('--sign-key', keys.old, '--sign-next-key', keys.next, '--sign-next-from', from)
const afterwards = () => publish('--sign-key', keys.next, '--sign-public-key', keys.both)

describeWithClients(['dnf'], 'dnf, when a key follows another,', () => {
  it('goes on with the old key, and takes the next one when it meets it, if it may', async () => {
    await before()
    const [careful, told] = await Promise.all([client(), client()])
    expect(await careful.imports('makecache')).toEqual(['Old'])
    expect(await told.imports('makecache')).toEqual(['Old'])

    await turning(future)
    expect(await careful.imports('makecache')).toEqual([])
    // It has all keys of the file where it has none of its own.
    await told.forget()
    expect(await told.imports('makecache')).toEqual(['Old', 'Next'])
    expect(await (await client()).imports('makecache')).toEqual(['Old', 'Next'])

    await turning(past)
    const unanswered = await failureOutput((await careful.answering('no'))('makecache'))
    expect(unanswered).toMatch(/Userid +: "Next <next@example\.com>"/)
    expect(unanswered).toContain('repomd.xml GPG signature verification error: Bad GPG signature')
    expect(await told.imports('makecache')).toEqual([])
    expect(await careful.imports('makecache')).toEqual(['Next'])

    await afterwards()
    expect(await careful.imports('makecache')).toEqual([])
    expect(await told.imports('makecache')).toEqual([])
    const listed = (await (await careful.answering('no'))('repoquery', '--quiet')).stdout.trim().split('\n')
    expect(listed).toHaveLength(published)
  })

  async function client() {
    const directory = await place().makeDirectory()
    const url = place().urlOf(root)
    const lines = ['repo_gpgcheck=1', `gpgkey=${url}/repodata/repomd.xml.key`]
    const answering = (answer: 'yes' | 'no') => openDnf(directory, url, lines, answer)
    const dnf = await answering('yes')
    return {
      answering,
      /** Names of the keys that it took. */
      async imports(...args: readonly string[]): Promise<string[]> {
        const { stderr } = await dnf(...args)
        return [...stderr.matchAll(/Userid +: "(\w+) </g)].map(([, name = '']) => name)
      },
      async forget(): Promise<void> {
        const cache = join(directory, 'cache')
        const own = (await readdir(cache)).filter((name) => /^repokeeper-[0-9a-f]+$/.test(name))
        for (const name of own) await rm(join(cache, name, 'pubring'), { recursive: true })
      },
    }
  }
})

describeAsRoot(['zypper', 'rpm'], 'zypper, when a key follows another,', () => {
  it('goes on with the old key, and takes the next one when it meets it, if it may', async () => {
    await before()
    const [careful, told] = await Promise.all([client(), client()])
    expect(await careful.imports()).toEqual(['Old'])
    expect(await told.imports()).toEqual(['Old'])

    await turning(future)
    expect(await careful.imports()).toEqual([])
    expect(await (await client()).imports()).toEqual(['Old'])
    await told.rpmImport(await publishedKey())

    await turning(past)
    const unanswered = await failureOutput((await careful.taking(false))('refresh'))
    expect(unanswered).toMatch(/New repository or package signing key received:.*Key Name: +Next <next@example\.com>/s)
    expect(unanswered).toContain('Signature verification failed for repomd.xml')
    expect((await (await told.taking(false))('refresh')).stdout).toContain('All repositories have been refreshed.')
    expect(await careful.imports()).toEqual(['Next'])

    await afterwards()
    expect(await careful.imports()).toEqual([])
    expect((await (await told.taking(false))('refresh')).stdout).toContain('All repositories have been refreshed.')
  })

  async function publishedKey(): Promise<string> {
    return join(await place().download(root), 'repodata/repomd.xml.key')
  }

  async function client() {
    const directory = await place().makeDirectory()
    const taking = (takesKeys: boolean) => openZypper(directory, place().urlOf(root), { gpg: 'strict', takesKeys })
    const zypper = await taking(true)
    return {
      taking,
      async imports(): Promise<string[]> {
        const { stdout } = await zypper('refresh')
        return [...stdout.matchAll(/Key Name: +(\w+) </g)].map(([, name = '']) => name)
      },
      async rpmImport(file: string): Promise<void> {
        // Where zypper looks for it, whatever the rpm of this machine has for its own.
        await promisify(execFile)('rpm', [
          '--root',
          join(directory, 'root'),
          '--dbpath',
          '/var/lib/rpm',
          '--import',
          file,
        ])
      },
    }
  }
})
