/**
 * What the clients of a signed repository are tried with: keys of every origin, repositories that are signed by them, and clients that check.
 */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Dnf, openDnf } from '../../../../fixtures/dnf.ts'
import { openZypper, type Zypper } from '../../../../fixtures/zypper.ts'
import type { ClientPlace } from './client-place.ts'

const run = promisify(execFile)

/** A home of gpg, which is short, for sockets lie in it: its agent ends with it. */
export class Gpg {
  readonly home: string

  private constructor(home: string) {
    this.home = home
  }

  static async open(): Promise<Gpg> {
    return new Gpg(await mkdtemp(join(tmpdir(), 'gpg-')))
  }

  async run(...args: readonly string[]): Promise<string> {
    return (await run('gpg', ['--homedir', this.home, '--batch', '--pinentry-mode', 'loopback', ...args])).stdout
  }

  /** @param passphrase empty: the key is not protected */
  async makeKey(userId: string, algorithm: string, usage: string, passphrase = ''): Promise<string> {
    await this.run('--passphrase', passphrase, '--quick-generate-key', userId, algorithm, usage, 'never')
    const colons = await this.run('--with-colons', '--list-keys', userId)
    const [, fingerprint] = /^fpr:::::::::([0-9A-F]{40}):$/m.exec(colons) ?? []
    if (fingerprint === undefined) throw new Error(`gpg does not show the key that it made: ${colons}`)
    return fingerprint
  }

  /** Writes a file that only its owner may read. */
  async exportTo(path: string, ...args: readonly string[]): Promise<string> {
    await writeFile(path, await this.run('--armor', ...args), { mode: 0o600 })
    return path
  }

  async close(): Promise<void> {
    await run('gpgconf', ['--homedir', this.home, '--kill', 'all'])
    await rm(this.home, { recursive: true, force: true })
  }
}

/** Signs packages in place, as whoever builds them does. */
export async function rpmsign(gpg: Gpg, keyId: string, files: readonly string[]): Promise<void> {
  const macros = { _gpg_name: keyId, _gpg_path: gpg.home, _gpg_digest_algo: 'sha256', __gpg: '/usr/bin/gpg' }
  const defines = Object.entries(macros).flatMap(([name, value]) => ['--define', `${name} ${value}`])
  await run('rpmsign', [...defines, '--addsign', ...files], { env: { ...process.env, GNUPGHOME: gpg.home } })
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
