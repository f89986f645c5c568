/**
 * One small repository for the clients to read: the packages that rpmbuild built under fixtures/rpms, with scriptlets, rich
 * and weak dependencies, an epoch, a source package, `+`, `~` and `^`; and two that make some of them installable without any
 * other repository.
 */
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildPackage } from '@repokeeper/rpm-parser/testing'
import type { ClientPlace } from './client-place.ts'

export const root = 'el9/x86_64'

const committed = join(import.meta.dirname, '..', '..', '..', '..', 'fixtures', 'rpms')

/** What `dnf repoquery` prints of the repository without options, sorted. */
export const nevras = [
  'harbour-log-0:3.1-2.noarch',
  'harbour-sh-0:1.0-1.noarch',
  'hello-repokeeper-0:1.0-1.noarch',
  'hello-repokeeper-0:1.1-1.noarch',
  'libtidal-0:2.4.1-3.x86_64',
  'libtidal-devel-0:2.4.1-3.x86_64',
  'libtide++-0:2.0~rc1-1.x86_64',
  'tide-charts-0:2026.11-1.noarch',
  'tide-gauge-1:1.8.0-1.src',
  'tide-gauge-1:1.8.0-1.x86_64',
  'tide-sim-0:1.2^20261101git3f2a1c-1.noarch',
]

/** Publishes it the way a person without workers does. */
export async function publishHarbour(place: ClientPlace, at = root): Promise<void> {
  const files = await harbourFiles(await place.makeDirectory())
  await place.repokeeper('add', place.repoOf(at), ...files, '--publish')
}

/** The paths of its packages. */
export async function harbourFiles(directory: string): Promise<string[]> {
  const built = [
    // A /bin/sh that needs nothing; no package here runs it.
    { name: 'harbour-sh', files: [{ path: '/bin/sh', mode: 0o100755, content: 'no shell\n' }] },
    // A path that only filelists has.
    {
      name: 'harbour-log',
      version: '3.1',
      release: '2',
      requires: ['tide-sim > 1.2', '/usr/share/tide-charts/Büsum.txt'],
      files: [{ path: '/var/log/harbour', content: 'the tide is out\n' }],
      changelogs: [
        { time: 1_700_000_000, author: 'Ada Harbour <ada@tidewater.example> - 3.1-2', text: '- Log & <tell>' },
      ],
    },
  ]
  const files = (await readdir(committed)).filter((file) => file.endsWith('.rpm')).map((file) => join(committed, file))
  for (const spec of built) {
    const { name, version = '1.0', release = '1' } = spec
    const file = join(directory, `${name}-${version}-${release}.noarch.rpm`)
    await writeFile(file, buildPackage(spec))
    files.push(file)
  }
  return files
}
