/**
 * dnf and zypper by the mirrorlist: metadata from the directory of a generation, packages from the root; and what a reader sees while others
 * publish.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, expect, it } from 'vitest'
import { describeWithClients } from '../../../../fixtures/describe-with-clients.ts'
import { openDnf } from '../../../../fixtures/dnf.ts'
import { openZypper, zypperDownloads } from '../../../../fixtures/zypper.ts'
import { type ClientPlace, clientPlaceForTests } from './client-place.ts'
import { describeAsRoot } from './describe-as-root.ts'
import { failureOutput } from './failure-output.ts'
import { harbourFiles, nevras, root } from './harbour-repository.ts'

const run = promisify(execFile)

/** Two generations: all but the last package, and then all. */
const place = clientPlaceForTests(async (opened) => {
  const files = await harbourFiles(await opened.makeDirectory())
  await publish(opened, root, files.slice(0, -1))
  await publish(opened, root, files.slice(-1))
})

/** With a signature where there is a key. */
async function publish(
  at: ClientPlace,
  to: string,
  files: readonly string[],
  ...options: readonly string[]
): Promise<void> {
  await at.repokeeper('add', at.repoOf(to), ...files, '--publish', '--generations-url', at.urlOf(to), ...options)
}

function mirrorlistOf(at: string): string[] {
  return [`mirrorlist=${place().urlOf(at)}/mirrorlist`]
}

async function read(path: string): Promise<Buffer> {
  const answer = await fetch(`${place().urlOf(path)}`)
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`)
  return Buffer.from(await answer.arrayBuffer())
}

interface Generation {
  readonly id: string
  readonly packages: number
  readonly isCurrent: boolean
}

async function generationsOf(to: string): Promise<Generation[]> {
  return JSON.parse(await place().repokeeper('generations', place().repoOf(to), '--json')).generations
}

describeWithClients(['dnf'], 'dnf by the mirrorlist', () => {
  it('takes the metadata from the generation alone, and each package from the root', async () => {
    const directory = await place().makeDirectory()
    const dnf = await openDnf(directory, '', mirrorlistOf(root))
    const calls = await place().callsDuring(async () => {
      const { stdout } = await dnf('repoquery', '--quiet')
      expect(stdout.trimEnd().split('\n').sort()).toEqual(nevras)
      await dnf('install', '--downloadonly', 'tide-sim')
    })
    const answered = calls.filter(({ operation, status }) => operation === 'GetObject' && status === 200)
    const keys = answered.map(({ key = '' }) => key)
    expect(keys).toContain(`${root}/mirrorlist`)
    for (const key of keys.filter((one) => one.includes('/repodata/'))) expect(key).toContain(`${root}/generations/`)
    const downloaded = keys.filter((one) => one.endsWith('.rpm'))
    expect(downloaded.length).toBeGreaterThan(1)
    for (const key of downloaded) expect(key).not.toContain('/generations/')
  })

  it('sees the generation that it was rolled back to, and what is published once it is resumed', async () => {
    const count = async (): Promise<number> => {
      const dnf = await openDnf(await place().makeDirectory(), '', mirrorlistOf(root))
      return (await dnf('repoquery', '--quiet')).stdout.trimEnd().split('\n').length
    }
    const before = (await generationsOf(root)).find(({ isCurrent }) => !isCurrent)
    await place().repokeeper('rollback', place().repoOf(root), before?.id ?? '')
    expect(await count()).toBe(nevras.length - 1)
    await place().repokeeper('rollback', place().repoOf(root), '--resume')
    expect(await count()).toBe(nevras.length)
  })

  it('installs from a snapshot by its .repo file', async () => {
    const before = (await generationsOf(root)).find(({ isCurrent }) => !isCurrent)
    const printed = await place().repokeeper('snapshot', place().repoOf(root), 'first', '--id', before?.id ?? '')
    const [line = ''] = printed.split('\n').filter((one) => one.startsWith('mirrorlist='))
    expect(printed).toContain('[packages-el9-x86_64-first]\n')
    const dnf = await openDnf(await place().makeDirectory(), '', [line])
    expect((await dnf('repoquery', '--quiet')).stdout.trimEnd().split('\n')).toHaveLength(nevras.length - 1)
  })
})

describeAsRoot(['zypper'], 'zypper by the mirrorlist', () => {
  it('lists what is published, takes the metadata from the generation alone, and each package from the root', async () => {
    const directory = await place().makeDirectory()
    const zypper = await openZypper(directory, '', { repository: mirrorlistOf(root) })
    const calls = await place().callsDuring(async () => {
      expect((await zypper('search', '-s')).stdout.match(/\| repokeeper/g)).toHaveLength(nevras.length)
      await zypper('download', 'tide-charts')
    })
    const answered = calls.filter(({ operation, status }) => operation === 'GetObject' && status === 200)
    for (const { key = '' } of answered.filter((one) => one.key?.includes('/repodata/'))) {
      expect(key).toContain(`${root}/generations/`)
    }
    for (const file of await harbourFiles(await place().makeDirectory())) {
      if (!basename(file).startsWith('tide-charts')) continue
      const downloaded = join(directory, zypperDownloads, basename(file))
      expect(existsSync(downloaded)).toBe(true)
      expect(await readFile(downloaded)).toEqual(await readFile(file))
    }
  })
})

describeWithClients(['dnf', 'gpg'], 'a signed repository in generations', () => {
  const at = 'signed/x86_64'
  let home = ''
  const gpg = (...args: readonly string[]) => run('gpg', ['--homedir', home, '--batch', '--quiet', ...args])
  const inHome = (name: string): string => join(home, name)
  beforeAll(async () => {
    home = await place().makeDirectory()
    await gpg('--passphrase', '', '--quick-gen-key', 'Tests <tests@example.com>', 'rsa2048', 'sign', 'never')
    await gpg('--armor', '--output', inHome('private.asc'), '--export-secret-keys')
    await gpg('--armor', '--output', inHome('public.asc'), '--export')
    const [first = '', second = ''] = await harbourFiles(home)
    await publish(place(), at, [first, second], '--sign-key', inHome('private.asc'))
  })

  async function isSigned({ repomd, signature }: Pair): Promise<boolean> {
    await writeFile(inHome('repomd.xml'), repomd)
    await writeFile(inHome('repomd.xml.asc'), signature)
    return gpg('--verify', inHome('repomd.xml.asc'), inHome('repomd.xml')).then(
      () => true,
      () => false,
    )
  }

  it('is read by dnf with repo_gpgcheck, and refused where the signature is of something else', async () => {
    const lines = [...mirrorlistOf(at), 'repo_gpgcheck=1', `gpgkey=file://${inHome('public.asc')}`]
    const dnf = await openDnf(await place().makeDirectory(), '', lines)
    expect((await dnf('repoquery', '--quiet')).stdout.trimEnd().split('\n')).toHaveLength(2)

    const [current] = await generationsOf(at)
    const asc = `${at}/generations/${current?.id}/repodata/repomd.xml.asc`
    const right = await read(asc)
    await writeFile(inHome('other'), 'something else')
    await gpg('--armor', '--detach-sign', inHome('other'))
    await place().store.put(asc, await readFile(inHome('other.asc')), { if: 'always' })
    const refusing = await openDnf(await place().makeDirectory(), '', lines)
    expect(await failureOutput(refusing('makecache'))).toMatch(/GPG|signature/i)
    await place().store.put(asc, right, { if: 'always' })
  })

  it('shows a reader by the mirrorlist no mismatched pair while others publish, and one of the root some', async () => {
    const delay = place().cloud.faults.add({
      operation: 'PutObject',
      key: `${at}/repodata/repomd.xml.asc`,
      action: { kind: 'delay', milliseconds: 300, effect: 'before' },
    })
    const [, , ...files] = await harbourFiles(home)
    let isDone = false
    const publishing = (async () => {
      for (const file of files.slice(0, 3)) await publish(place(), at, [file], '--sign-key', inHome('private.asc'))
    })().finally(() => {
      isDone = true
    })
    const seen = { root: new Map<string, Pair>(), mirrorlist: new Map<string, Pair>() }
    while (!isDone) {
      remember(seen.root, await readPair(at))
      const [directory = ''] = (await read(`${at}/mirrorlist`)).toString().match(/generations\/[^/]+/) ?? []
      remember(seen.mirrorlist, await readPair(`${at}/${directory}`))
    }
    await publishing
    place().cloud.faults.remove(delay)
    const mismatched = { root: 0, mirrorlist: 0 }
    for (const pair of seen.root.values()) if (!(await isSigned(pair))) mismatched.root += 1
    for (const pair of seen.mirrorlist.values()) if (!(await isSigned(pair))) mismatched.mirrorlist += 1
    expect(mismatched.root).toBeGreaterThan(0)
    expect(mismatched.mirrorlist).toBe(0)
    expect(seen.mirrorlist.size).toBeGreaterThan(1)
  })
})

interface Pair {
  readonly repomd: Buffer
  readonly signature: Buffer
}

/** As a client does: one after the other. */
async function readPair(directory: string): Promise<Pair> {
  const repomd = await read(`${directory}/repodata/repomd.xml`)
  return { repomd, signature: await read(`${directory}/repodata/repomd.xml.asc`) }
}

function remember(seen: Map<string, Pair>, pair: Pair): void {
  seen.set(createHash('sha256').update(pair.repomd).update(pair.signature).digest('hex'), pair)
}
