/**
 * What the clients of a signed repository are tried with: keys of every origin, repositories that are signed by them, and clients that check.
 */
import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Dnf, openDnf } from '../../../../fixtures/dnf.ts'
import type { GpgHome } from '../../../../fixtures/gpg-home.ts'
import { signPackage } from '../../../../fixtures/rpm-programs.ts'
import { openZypper, type Zypper } from '../../../../fixtures/zypper.ts'
import type { ClientPlace } from './client-place.ts'

const run = promisify(execFile)

/** Writes a key that only its owner may read. @returns the path */
export async function writeKey(path: string, armored: string): Promise<string> {
  await writeFile(path, armored, { mode: 0o600 })
  return path
}

/** Signs packages in place, as whoever builds them does. */
export async function rpmsign(home: GpgHome, fingerprint: string, files: readonly string[]): Promise<void> {
  for (const file of files) await writeFile(file, await signPackage(home, await readFile(file), { fingerprint }))
}

/** A dnf that checks the metadata, and packages too. @param gpgKeys where it finds keys; default: beside the metadata */
export async function checkingDnf(place: ClientPlace, root: string, gpgKeys?: readonly string[]): Promise<Dnf> {
  const url = place.urlOf(root)
  const keys = gpgKeys ?? [`${url}/repodata/repomd.xml.key`]
  const lines = ['repo_gpgcheck=1', 'gpgcheck=1', `gpgkey=${keys.join(' ')}`]
  return openDnf(await place.makeDirectory(), url, lines)
}

/** A zypper that checks both, too, and trusts what lies beside the metadata. */
export async function checkingZypper(place: ClientPlace, root: string): Promise<Zypper> {
  return openZypper(await place.makeDirectory(), place.urlOf(root), { gpg: 'strict', takesKeys: true })
}

/** A zypper that has these keys already, and takes no others. */
export async function distrustingZypper(place: ClientPlace, root: string, keys: readonly string[]): Promise<Zypper> {
  const directory = await place.makeDirectory()
  const zypper = await openZypper(directory, place.urlOf(root), { gpg: 'strict' })
  await mkdir(join(directory, 'root/var/lib/rpm'), { recursive: true })
  const database = ['--root', join(directory, 'root'), '--dbpath', '/var/lib/rpm']
  for (const key of keys) await run('rpm', [...database, '--import', key])
  return zypper
}
