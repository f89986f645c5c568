import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { DirectoryStore, readBody } from '../src/index.ts'
import { describeStore } from './contract.ts'
import { bytesOf, keysOf, pieces, readFrom } from './texts.ts'

describeStore(
  'a directory',
  async () => {
    const path = await mkdtemp(join(tmpdir(), 'object-store-'))
    let ahead = 0
    // Nobody puts a kernel's clock forward: until then it is the file system's, as with everybody.
    const open = () => new DirectoryStore(path, ahead === 0 ? {} : { clock: () => new Date(Date.now() + ahead) })
    const store = open()
    return {
      store,
      another: open,
      advance: (milliseconds) => {
        ahead += milliseconds
      },
      close: () => rm(path, { recursive: true }),
    }
  },
  { emptySegments: false, vouchesForPromised: false, streams: true, runs: 60 },
)

let path: string
let store: DirectoryStore
beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'object-store-'))
  store = new DirectoryStore(path)
})
afterEach(() => rm(path, { recursive: true, force: true }))

it('stores nothing of a file that the kernel copies where its bytes are not those of the digest', async () => {
  const file = join(path, '..', `${basename(path)}-source`)
  await writeFile(file, 'gone bad')
  onTestFinished(() => rm(file))
  const body = { size: 8, path: file, open: () => createReadStream(file) }
  const sha256 = createHash('sha256').update('gone bad').digest('hex')
  const wrong = createHash('sha256').update('was good').digest('hex')
  const put = store.put('repodata/primary', body, { if: 'absent' }, { sha256: wrong })
  await expect(put).rejects.toMatchObject({ code: 'BAD_DIGEST', message: expect.stringContaining(wrong) })
  expect(await readdir(path, { recursive: true })).not.toContain('repodata/primary')
  expect(await store.put('repodata/primary', body, { if: 'absent' }, { sha256 })).toMatchObject({ kind: 'stored' })
})

describe('several processes in one directory', () => {
  it('lose no update, also where they are killed at any moment', async () => {
    await store.put('sub/log', bytesOf(''), { if: 'always' })
    const journals = await mkdtemp(join(tmpdir(), 'object-store-'))
    const start = (name: string, times: number) => {
      const program = join(import.meta.dirname, 'counting-writer.ts')
      return spawn(process.execPath, [program, path, journals, name, String(times)], {
        stdio: ['ignore', 'ignore', 'inherit'],
      })
    }
    const victims = ['a', 'b', 'c']
    const survivors = ['x', 'y']
    const doomed = victims.map((name) => start(name, 1_000_000))
    const exits = survivors.map((name) => once(start(name, 12), 'exit'))
    for (const name of [...victims, ...survivors]) await untilExists(join(journals, `ready-${name}`))
    await writeFile(join(journals, 'go'), '')
    for (const [index, victim] of doomed.entries()) {
      const exited = once(victim, 'exit')
      await untilExists(join(journals, `${victims[index]}1`))
      victim.kill('SIGKILL')
      await exited
    }
    for (const [code] of await Promise.all(exits)) expect(code).toBe(0)

    const log = (await readFrom(store, 'sub/log')).split(';').slice(0, -1)
    const lanes = [...victims, ...survivors].flatMap((name) => [`${name}1`, `${name}2`, `${name}3`])
    for (const lane of lanes) {
      const own = log.filter((entry) => entry.startsWith(`${lane}:`))
      // In order, none twice, none lost in between.
      expect(own).toEqual(own.map((_, index) => `${lane}:${index}`))
      const noted = (await readFile(join(journals, lane), 'utf8').catch(() => '')).split(';').slice(0, -1)
      // Of a killed one the last write may have landed before it was noted.
      if (own.length !== noted.length + 1 || survivors.includes(lane.slice(0, 1))) expect(own, lane).toEqual(noted)
    }
    // A lock that nobody holds: the next write does not wait.
    const impatient = new DirectoryStore(path, { lockWaitSeconds: 0 })
    expect((await impatient.put('sub/log', bytesOf('end'), { if: 'always' })).kind).toBe('stored')
    await rm(journals, { recursive: true })
  })

  it('wait for a lock that is held, and say who to ask after a while', async () => {
    await store.put('a', bytesOf('1'), { if: 'always' })
    const holder = new DatabaseSync(join(path, '.repokeeper-lock'))
    holder.exec('BEGIN EXCLUSIVE')
    const impatient = new DirectoryStore(path, { lockWaitSeconds: 0.05 })
    await expect(impatient.put('a', bytesOf('2'), { if: 'always' })).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await expect(impatient.delete('a')).rejects.toThrow(/fuser/)
    const reason = new Error('enough')
    const controller = new AbortController()
    const waiting = store.put('a', bytesOf('3'), { if: 'always' }, { signal: controller.signal })
    controller.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    const patient = store.put('a', bytesOf('4'), { if: 'always' })
    holder.close()
    expect((await patient).kind).toBe('stored')
    expect(await readFrom(store, 'a')).toBe('4')
  })
})

describe('files of a directory', () => {
  it('of which the store keeps its own to itself', async () => {
    await store.put('dir/a', bytesOf('1'), { if: 'always' })
    expect((await readdir(join(path, 'dir'))).sort()).toEqual(['.repokeeper-lock', 'a'])
    expect(await keysOf(store, '')).toEqual(['dir/a'])
    for (const key of ['dir/.repokeeper-lock', '.repokeeper-x/a']) {
      await expect(store.get(key)).rejects.toMatchObject({ code: 'BAD_KEY' })
      await expect(store.put(key, bytesOf('1'), { if: 'always' })).rejects.toMatchObject({ code: 'BAD_KEY' })
    }
  })

  it('that others put there are objects', async () => {
    await mkdir(join(path, 'repodata'))
    await writeFile(join(path, 'repodata', 'repomd.xml'), 'written by cp')
    await writeFile(join(path, '.hidden'), '')
    expect(await keysOf(store, '')).toEqual(['.hidden', 'repodata/repomd.xml'])
    const before = await store.head('repodata/repomd.xml')
    expect(await readFrom(store, 'repodata/repomd.xml', before ? { ifMatch: before.etag } : {})).toBe('written by cp')
    await writeFile(join(path, 'repodata', 'repomd.xml'), 'written by CP')
    await utimes(join(path, 'repodata', 'repomd.xml'), 2e9, 2e9)
    expect((await store.head('repodata/repomd.xml'))?.etag).not.toBe(before?.etag)
  })

  it('leave their directory standing when they are deleted', async () => {
    await store.put('dir/sub/a', bytesOf('1'), { if: 'always' })
    await store.delete('dir/sub/a')
    expect((await stat(join(path, 'dir/sub'))).isDirectory()).toBe(true)
    expect(await keysOf(store, '')).toEqual([])
  })

  it('carry the time of the clock', async () => {
    const fixed = new DirectoryStore(path, { clock: () => new Date(1_700_000_000_123) })
    const etags = new Set<unknown>()
    for (let round = 0; round < 50; round++) {
      await fixed.put('a', bytesOf('same size'), { if: 'always' })
      const head = await fixed.head('a')
      expect(head?.lastModified.getTime()).toBe(1_700_000_000_123)
      etags.add(head?.etag)
    }
    // Inodes come back, the clock stands still, and yet no version looks like another.
    expect(etags.size).toBe(50)
  })

  it('that were changed in place while they are read are UNAVAILABLE, never a mixture', async () => {
    await writeFile(join(path, 'a'), Buffer.alloc(1_000_000, 1))
    const outcome = await store.get('a')
    if (outcome.kind !== 'found') throw new Error(outcome.kind)
    await writeFile(join(path, 'a'), Buffer.alloc(1_000_000, 2))
    await utimes(join(path, 'a'), 2e9, 2e9)
    await expect(readBody(outcome.body, 2_000_000)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    const longer = await store.get('a')
    if (longer.kind !== 'found') throw new Error(longer.kind)
    await writeFile(join(path, 'a'), 'short')
    await expect(readBody(longer.body, 2_000_000)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })

  it('are cleaned of the drafts that killed processes left behind, a day later', async () => {
    await writeFile(join(path, '.repokeeper-put-left'), '')
    await store.put('a', bytesOf('1'), { if: 'always' })
    expect(await readdir(path)).toContain('.repokeeper-put-left')
    const tomorrow = new DirectoryStore(path, { clock: () => new Date(Date.now() + 25 * 3600 * 1000) })
    await tomorrow.put('a', bytesOf('2'), { if: 'always' })
    expect(await readdir(path)).not.toContain('.repokeeper-put-left')
  })
})

describe('the clock of a directory', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  it.each([
    ['behind', -3 * 365],
    ['ahead', 3 * 365],
  ])(
    'is the file system’s where that of this host is years %s, for what is stored and what time it is',
    async (_, days) => {
      const before = Date.now()
      vi.useFakeTimers({ toFake: ['Date'], now: before + days * 24 * 3600 * 1000 })
      await store.put('dir/a', bytesOf('1'), { if: 'always' })
      await store.put('dir/a', bytesOf('2'), { if: 'always' })
      const times = [
        (await store.head('dir/a'))?.lastModified,
        await store.clock(),
        await store.clock({ near: 'dir/a' }),
      ]
      vi.useRealTimers()
      for (const time of times) {
        // A kernel's stamps may lag by a tick.
        expect(time?.getTime()).toBeGreaterThan(before - 1000)
        expect(time?.getTime()).toBeLessThanOrEqual(Date.now())
      }
      expect(await readdir(path)).toEqual(['dir'])
      expect((await readdir(join(path, 'dir'))).sort()).toEqual(['.repokeeper-lock', 'a'])
    },
  )

  it('needs no right to write', async (test) => {
    if (process.getuid?.() === 0) return test.skip('root may do everything')
    await chmod(path, 0o500)
    const now = await store.clock()
    await chmod(path, 0o700)
    expect(now).toBeInstanceOf(Date)
  })

  it('of a directory that is not there cannot be asked', async () => {
    await expect(new DirectoryStore(join(path, 'none')).clock()).rejects.toMatchObject({ code: 'NO_SUCH_STORE' })
  })
})

describe('links', () => {
  beforeEach(async () => {
    await mkdir(join(path, 'store/real'), { recursive: true })
    await writeFile(join(path, 'outside'), 'secret')
    await writeFile(join(path, 'store/real/file'), 'inside')
    await symlink('real/file', join(path, 'store/link'))
    await symlink('../outside', join(path, 'store/out'))
    await symlink('nowhere', join(path, 'store/dangling'))
    await symlink('real', join(path, 'store/directory'))
    await symlink('.', join(path, 'store/loop'))
    await symlink('store', join(path, 'alias'))
    store = new DirectoryStore(join(path, 'alias'))
  })

  it('to files inside read as those; others are no objects, in list, get and head alike', async () => {
    expect(await keysOf(store, '')).toEqual(['link', 'real/file'])
    expect(await readFrom(store, 'link')).toBe('inside')
    for (const key of ['out', 'dangling', 'directory', 'directory/file', 'loop', 'loop/link']) {
      expect(await store.get(key), key).toEqual({ kind: 'absent' })
      expect(await store.head(key), key).toBeUndefined()
      expect(await store.delete(key), key).toEqual({ kind: 'deleted' })
    }
    expect(await keysOf(store, 'directory/')).toEqual([])
    expect(await readFile(join(path, 'outside'), 'utf8')).toBe('secret')
  })

  it('are replaced by a write, not written through', async () => {
    await store.put('link', bytesOf('new'), { if: 'always' })
    await store.put('out', bytesOf('new'), { if: 'always' })
    expect(await readFrom(store, 'link')).toBe('new')
    expect(await readFile(join(path, 'store/real/file'), 'utf8')).toBe('inside')
    expect(await readFile(join(path, 'outside'), 'utf8')).toBe('secret')
  })

  it('in the way of a write are named instead of conflicting for ever', async () => {
    const bad = { code: 'BAD_KEY' }
    await expect(store.put('directory/new', bytesOf('x'), { if: 'always' })).rejects.toMatchObject(bad)
    await expect(store.put('dangling', bytesOf('x'), { if: 'absent' })).rejects.toMatchObject(bad)
    await expect(store.put('real', bytesOf('x'), { if: 'absent' })).rejects.toMatchObject(bad)
    await expect(store.put('real', bytesOf('x'), { if: 'always' })).rejects.toMatchObject(bad)
    await expect(store.put('real/file/below', bytesOf('x'), { if: 'always' })).rejects.toMatchObject(bad)
  })
})

describe('faults of a directory', () => {
  it('that is not there are NO_SUCH_STORE', async () => {
    await writeFile(join(path, 'file'), '')
    for (const root of [join(path, 'none'), join(path, 'file')]) {
      const missing = new DirectoryStore(root)
      const code = { code: 'NO_SUCH_STORE' }
      await expect(missing.get('a')).rejects.toMatchObject(code)
      await expect(missing.head('a/b')).rejects.toMatchObject(code)
      await expect(missing.put('a', bytesOf('x'), { if: 'always' })).rejects.toMatchObject(code)
      await expect(missing.delete('a')).rejects.toMatchObject(code)
      await expect(keysOf(missing, '')).rejects.toMatchObject(code)
      await expect(keysOf(missing, 'a/b')).rejects.toMatchObject(code)
    }
  })

  it('a segment that is too long for the filesystem is BAD_KEY', async () => {
    await expect(store.put('x'.repeat(300), bytesOf('x'), { if: 'always' })).rejects.toMatchObject({ code: 'BAD_KEY' })
  })

  // The superuser may do everything.
  it('what the user may not do is ACCESS_DENIED', async (test) => {
    if (process.getuid?.() === 0) return test.skip('root may do everything')
    await writeFile(join(path, 'a'), '')
    await chmod(join(path, 'a'), 0)
    await expect(store.get('a')).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
    await chmod(path, 0o500)
    await expect(store.put('b', bytesOf('x'), { if: 'always' })).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
    await chmod(path, 0o700)
  })

  it('a lock file that somebody wrote into is named', async () => {
    await writeFile(join(path, '.repokeeper-lock'), 'x'.repeat(1000))
    await expect(store.put('a', bytesOf('x'), { if: 'always' })).rejects.toThrow(/\.repokeeper-lock/)
  })

  it('a failing source leaves no draft behind', async () => {
    const body = { size: 10, open: () => pieces(['too short']) }
    await expect(store.put('a', body, { if: 'always' })).rejects.toMatchObject({ code: 'FAILED' })
    expect(await readdir(path)).toEqual([])
  })
})

async function untilExists(file: string): Promise<void> {
  // Another process makes it; there is no event of that to wait for on every filesystem.
  while ((await stat(file).catch(() => undefined)) === undefined) await sleep(2)
}
