/** rpmsign and rpmkeys, with a keyring of their own. */
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { GpgHome } from './gpg-home.ts'

export interface SignWish {
  readonly fingerprint: string
  /** Over header and payload, too. */
  readonly v3?: boolean
  /** `20200131T000000` */
  readonly at?: string
  /** `SHA1` … as gpg calls it. */
  readonly hash?: string
}

/** Signs a package with rpmsign. */
export async function signPackage(home: GpgHome, bytes: Uint8Array, wish: SignWish): Promise<Uint8Array> {
  const folder = await mkdtemp(join(home.folder, 'sign-'))
  const file = join(folder, 'package.rpm')
  await writeFile(file, bytes)
  const extra = [
    ...['--batch', '--pinentry-mode', 'loopback', '--passphrase', "''"],
    ...(wish.at === undefined ? [] : ['--faked-system-time', `${wish.at}!`]),
    ...(wish.hash === undefined ? [] : ['--digest-algo', wish.hash]),
  ].join(' ')
  const macros = { __gpg: '/usr/bin/gpg', _gpg_name: wish.fingerprint, _gpg_sign_cmd_extra_args: extra }
  const defines = Object.entries(macros).flatMap(([name, value]) => ['--define', `${name} ${value}`])
  const ran = await home.run('rpmsign', [...defines, ...(wish.v3 === true ? ['--rpmv3'] : []), '--addsign', file])
  if (ran.code !== 0) throw new Error(`rpmsign: ${ran.stdout}${ran.stderr}`)
  return Uint8Array.from(await readFile(file))
}

/** What `rpmkeys -Kv` says of a package. */
export interface RpmFindings {
  /** A line each: `Header V4 RSA/SHA256 Signature, key ID 0123abcd: OK`. */
  readonly lines: readonly string[]
  /** `OK`, `BAD`, `NOKEY` … of each signature. */
  readonly signatures: readonly { readonly covers: string; readonly keyId: string; readonly status: string }[]
}

export interface RpmVerdict extends RpmFindings {
  readonly isAccepted: boolean
}

export class RpmKeys {
  readonly #home: GpgHome
  readonly #database: string

  private constructor(home: GpgHome, database: string) {
    this.#home = home
    this.#database = database
  }

  /** @param keys armored, one block each: rpm 4 reads no others */
  static async open(home: GpgHome, keys: readonly string[]): Promise<RpmKeys> {
    const database = await mkdtemp(join(home.folder, 'rpmdb-'))
    const rpmKeys = new RpmKeys(home, database)
    for (const [index, key] of keys.entries()) {
      const file = join(database, `key-${index}.asc`)
      await writeFile(file, key)
      const ran = await home.run('rpmkeys', ['--dbpath', database, '--import', file])
      if (ran.code !== 0) throw new Error(`rpmkeys --import: ${ran.stderr}`)
    }
    return rpmKeys
  }

  /** As dnf asks for it with gpgcheck=1: a package needs a signature and digests. */
  async check(bytes: Uint8Array): Promise<RpmVerdict> {
    const file = join(await mkdtemp(join(this.#database, 'check-')), 'package.rpm')
    await writeFile(file, bytes)
    const { code, findings } = await this.#run([file])
    const [found] = findings
    if (found === undefined) throw new Error('rpmkeys says nothing')
    return { isAccepted: code === 0, ...found }
  }

  /** Many at once; in the order of the files. */
  async findings(files: readonly string[]): Promise<readonly RpmFindings[]> {
    return (await this.#run(files)).findings
  }

  async #run(files: readonly string[]): Promise<{ readonly code: number; readonly findings: readonly RpmFindings[] }> {
    const options = ['--dbpath', this.#database, '--define', '_pkgverify_level all', '-Kv']
    const { code, stdout } = await this.#home.run('rpmkeys', [...options, ...files])
    // A line with the file's name, and indented ones for what was found.
    const parts = stdout.toString().split(/^(?=\S)/m)
    const findings = parts.map((part) => {
      const lines = part.split('\n').slice(1)
      const found = lines.map((line) => line.trim()).filter((line) => line !== '')
      return { lines: found, signatures: found.flatMap(signatureIn) }
    })
    return { code, findings }
  }
}

function signatureIn(line: string): RpmVerdict['signatures'] {
  const { range, keyId, status } =
    /^(?<range>Header |Legacy )?.*[Ss]ignature(?:, key ID (?<keyId>[0-9a-f]+))?: (?<status>[A-Z]+)/.exec(line)
      ?.groups ?? {}
  if (status === undefined || status === 'NOTFOUND') return []
  return [{ covers: range === 'Header ' ? 'header' : 'header and payload', keyId: keyId ?? '', status }]
}
