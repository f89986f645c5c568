/** A door of a test's own, of a part of a store that nobody else uses, and what it tells who publishes. */
import { join } from 'node:path'
import type { FolderStore } from '@repokeeper/object-store'
import { anyPackage } from '@repokeeper/repository'
import { onTestFinished } from 'vitest'
import { type Change, Door, type DoorOptions, openAccess, type Publication, Scratch } from '../src/index.ts'
import { type Answered, ask } from './ask.ts'
import type { TwoStores } from './two-stores.ts'

export interface WritableDoor {
  readonly url: string
  readonly told: Change[]
  send(method: string, path: string, headers?: Record<string, string>, body?: Uint8Array | string): Promise<Answered>
  keys(): Promise<string[]>
}

export interface WritableDoorOptions extends Partial<DoorOptions> {
  readonly replaces?: boolean
}

export const writeLimits = {
  ...{ uploadBytesMax: 300_000, bytesPerSecondMin: 1, slowStartMs: 60_000 },
  ...{ uploadsMax: 8, waitMs: 100 },
}

export async function openWritableDoor(
  two: TwoStores,
  name: string,
  prefix: string,
  { replaces = false, ...more }: WritableDoorOptions = {},
): Promise<WritableDoor> {
  const store: FolderStore = name === 'a folder' ? two.folder : two.bucket
  const told: Change[] = []
  const publication: Publication = {
    changed(change) {
      told.push(change)
      return { wait: async () => ({ kind: 'published' }) }
    },
  }
  const scratch = await Scratch.open(join(two.directory, 'scratch'), new Date())
  const door = await Door.open(
    { host: '127.0.0.1', port: 0 },
    {
      ...{ store, prefix, access: openAccess({ writes: true }), now: () => new Date(), onEvent: () => {} },
      writes: { scratch, packagePolicy: anyPackage, replaces, publication, limits: writeLimits },
      ...more,
    },
  )
  onTestFinished(() => door.close())
  const { host, port } = door.address
  return {
    url: `http://${host}:${port}`,
    told,
    send: (method, path, headers = {}, body) => ask(door.address, method, path, { headers, ...(body && { body }) }),
    keys: async () => (await Array.fromAsync(store.list(prefix))).map(({ key }) => key.slice(prefix.length)),
  }
}
