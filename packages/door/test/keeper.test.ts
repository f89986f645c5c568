/** A folder that is kept: what is put into it is published, whoever puts it there and however. */
import { appendFile, cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DirectoryStore } from '@repokeeper/object-store'
import { MemoryCache, parseRepositoryRoot, parseRootPattern, readListedAt, realContext } from '@repokeeper/repository'
import { buildPackage } from '@repokeeper/rpm-parser/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { Keeper, type KeeperOptions, type PublisherEvent, realClock } from '../src/index.ts'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'repokeeper-keeper-'))
})
afterAll(() => rm(directory, { recursive: true }))

const cache = new MemoryCache()
const contextFor = (signal: AbortSignal) => realContext({ cache, onEvent: () => {}, signal })

type Started = Partial<Omit<KeeperOptions, 'folder'>> & { readonly folder?: KeeperOptions['folder'] | 'unwatched' }

/** One process that keeps a folder, and what it has told. */
class Kept {
  readonly at: string
  readonly events: PublisherEvent[] = []
  readonly #heard = new Set<() => void>()
  #keeper: Keeper | undefined

  constructor(name: string) {
    this.at = join(directory, name)
  }

  async start({ folder = { directory: this.at }, ...options }: Started = {}): Promise<this> {
    await mkdir(this.at, { recursive: true })
    this.#keeper = await Keeper.open({
      ...{ store: new DirectoryStore(this.at), prefix: '', patterns: [] },
      ...(folder !== 'unwatched' && { folder }),
      ...{ context: contextFor, clock: realClock },
      ...{ auditIntervalMs: 0, gcIntervalMs: 0, retentionMs: 86_400_000 },
      onEvent: (event) => {
        this.events.push(event)
        for (const look of this.#heard) look()
      },
      ...options,
    })
    onTestFinished(() => this.stop())
    return this
  }

  async stop(): Promise<void> {
    await this.#keeper?.close()
    this.#keeper = undefined
  }

  put(path: string, bytes: Uint8Array | string): Promise<void> {
    return writeFile(join(this.at, path), bytes)
  }

  /** Resolves when that many packages were added, replaced and removed. */
  changed(wanted: number): Promise<void> {
    return this.until(() => sum(this.events) >= wanted)
  }

  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!holds()) return
        this.#heard.delete(look)
        resolve()
      }
      this.#heard.add(look)
      look()
    })
  }

  async listed(root: string, ...paths: string[]): Promise<string[]> {
    const location = { store: new DirectoryStore(this.at), root: parseRepositoryRoot(root) }
    const { listed } = await readListedAt(location, paths, contextFor(new AbortController().signal))
    return paths.filter((path) => listed.get(path)?.length === 1)
  }
}

function sum(events: readonly PublisherEvent[]): number {
  const numbers = events.map((event) => (event.kind === 'published' ? event.added + event.replaced + event.removed : 0))
  return numbers.reduce((total, number) => total + number, 0)
}

function publishes(events: readonly PublisherEvent[]): number {
  return events.reduce((total, event) => total + (event.kind === 'published' ? event.publishes : 0), 0)
}

describe('a folder that is kept', () => {
  it('publishes what is written, replaced, moved and deleted', async () => {
    const kept = await new Kept('changes').start()
    await mkdir(join(kept.at, 'deep/er'), { recursive: true })
    await kept.put('deep/er/a.rpm', buildPackage({ name: 'a' }))
    await kept.changed(1)
    expect(await kept.listed('deep/er', 'a.rpm')).toEqual(['a.rpm'])
    await kept.put('deep/er/a.rpm', buildPackage({ name: 'a', summary: 'another' }))
    await kept.changed(2)
    await rename(join(kept.at, 'deep/er/a.rpm'), join(kept.at, 'deep/er/b.rpm'))
    await kept.changed(4)
    expect(await kept.listed('deep/er', 'a.rpm', 'b.rpm')).toEqual(['b.rpm'])
    await rm(join(kept.at, 'deep/er/b.rpm'))
    await kept.changed(5)
    expect(await kept.listed('deep/er', 'a.rpm', 'b.rpm')).toEqual([])
    expect(kept.events.every(({ kind }) => kind === 'published')).toBe(true)
  })

  it('waits until a file is whole, and passes over those that are on their way', async () => {
    const kept = await new Kept('slow').start()
    const rpm = buildPackage({ name: 'slow', summary: 'x'.repeat(5_000) })
    await mkdir(join(kept.at, '.~tmp~'))
    // As rsync and others have them until they are whole.
    for (const path of ['.slow.rpm.Ab3xYz', '.~tmp~/slow.rpm', 'slow.rpm.part', '.slow.rpm']) await kept.put(path, rpm)
    await kept.put('slow.rpm', rpm.subarray(0, 100))
    for (let at = 100; at < rpm.length; at += 500) {
      await appendFile(join(kept.at, 'slow.rpm'), rpm.subarray(at, at + 500))
      await new Promise(setImmediate)
    }
    await rename(join(kept.at, '.slow.rpm'), join(kept.at, 'renamed.rpm'))
    await kept.changed(2)
    expect(kept.events.map(({ kind }) => kind)).toEqual(['published'])
    expect(await kept.listed('', 'slow.rpm', 'renamed.rpm', '.~tmp~/slow.rpm')).toEqual(['slow.rpm', 'renamed.rpm'])
  })

  it('says why a file is not listed, and lists it when it is mended', async () => {
    const kept = await new Kept('bad').start()
    const rpm = buildPackage({ name: 'cut' })
    await kept.put('cut.rpm', rpm.subarray(0, -10))
    await kept.until(() => kept.events.length > 0)
    expect(kept.events).toMatchObject([{ kind: 'refused', key: 'cut.rpm', code: 'CUT_OFF' }])
    await kept.put('cut.rpm', rpm)
    await kept.changed(1)
  })

  it('finds at its start what it has missed', async () => {
    const kept = await new Kept('missed').start()
    for (const name of ['stays', 'goes', 'changes']) await kept.put(`${name}.rpm`, buildPackage({ name }))
    await kept.changed(3)
    await kept.stop()
    await rm(join(kept.at, 'goes.rpm'))
    await kept.put('changes.rpm', buildPackage({ name: 'changes', summary: 'another' }))
    await mkdir(join(kept.at, 'new'))
    await kept.put('new/comes.rpm', buildPackage({ name: 'comes' }))
    await kept.start()
    await kept.changed(6)
    expect(await kept.listed('', 'stays.rpm', 'goes.rpm', 'changes.rpm')).toEqual(['stays.rpm', 'changes.rpm'])
    // Below a repository that is there it is one of its packages.
    expect(await kept.listed('', 'new/comes.rpm')).toEqual(['new/comes.rpm'])
  })

  it('keeps what it is told to, and nothing else', async () => {
    const kept = await new Kept('patterns').start({ patterns: [parseRootPattern('el9/*')] })
    for (const path of ['el9/x86_64/sub', 'other']) await mkdir(join(kept.at, path), { recursive: true })
    await kept.put('other/no.rpm', buildPackage({ name: 'no' }))
    await kept.put('el9/x86_64/sub/yes.rpm', buildPackage({ name: 'yes' }))
    await kept.changed(1)
    expect(await kept.listed('el9/x86_64', 'sub/yes.rpm')).toEqual(['sub/yes.rpm'])
    await expect(readFile(join(kept.at, 'other/repodata/repomd.xml'))).rejects.toThrow(/ENOENT/)
  })

  it('tries again what could not be published', async () => {
    const kept = new Kept('again')
    let isOut = true
    const context: KeeperOptions['context'] = (signal) => {
      if (isOut) throw new Error('the disk is out')
      return contextFor(signal)
    }
    await kept.start({ context })
    await kept.put('a.rpm', buildPackage({ name: 'a' }))
    await kept.until(() => kept.events.some(({ kind }) => kind === 'publish failed'))
    isOut = false
    await kept.changed(1)
    expect(await kept.listed('', 'a.rpm')).toEqual(['a.rpm'])
  })

  it('sees what no system tells by looking at every file', async () => {
    const kept = new Kept('polled')
    await kept.start({ folder: { directory: kept.at, pollMs: 20 } })
    await kept.put('a.rpm', buildPackage({ name: 'a' }))
    await kept.changed(1)
  })

  it('finds by its audits what no event has told, and clears superseded documents away', async () => {
    const kept = new Kept('audited')
    await kept.start()
    await kept.put('a.rpm', buildPackage({ name: 'a' }))
    await kept.changed(1)
    await kept.put('b.rpm', buildPackage({ name: 'b' }))
    await kept.changed(2)
    await kept.stop()
    // Nobody watches: whatever it hears of now, it has found itself.
    await kept.start({ folder: 'unwatched', auditIntervalMs: 20, gcIntervalMs: 20, retentionMs: 0, settleMs: 0 })
    await kept.until(() => kept.events.some(({ kind }) => kind === 'cleaned up'))
    await kept.put('c.rpm', buildPackage({ name: 'c' }))
    await kept.changed(3)
    expect(kept.events).toContainEqual(expect.objectContaining({ kind: 'drift', path: 'c.rpm', healing: true }))
  })
})

it('makes few publishes of many files that come at once', async () => {
  const files = 400
  const source = join(directory, 'source')
  await mkdir(source)
  for (let number = 0; number < files; number += 1) {
    await writeFile(join(source, `p${number}.rpm`), buildPackage({ name: `p${number}` }))
  }
  const kept = await new Kept('flood').start()
  await cp(source, join(kept.at, 'el9'), { recursive: true })
  await kept.changed(files)
  expect(sum(kept.events)).toBe(files)
  expect(publishes(kept.events)).toBeLessThanOrEqual(3)
  expect(await kept.listed('el9', 'p0.rpm', 'p399.rpm')).toEqual(['p0.rpm', 'p399.rpm'])
})
