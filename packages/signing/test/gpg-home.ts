/** A gpg that knows only the keys that a test makes, and may believe that it is another day. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface KeyWish {
  readonly userId: string
  /** As gpg calls it: `rsa2048`, `ed25519`, `dsa2048` … */
  readonly kind: string
  readonly usage?: 'sign' | 'cert' | 'encr'
  /** As gpg takes it: `1y`, `never`. Default: never. */
  readonly expires?: string
  readonly at?: string
}

/** What a program printed, and what it ended with. */
export interface Ran {
  readonly stdout: Buffer
  readonly stderr: string
  readonly code: number
}

export class GpgHome {
  readonly folder: string

  private constructor(folder: string) {
    this.folder = folder
  }

  static async open(): Promise<GpgHome> {
    // Short: the path of the agent's socket may have 107 bytes.
    const folder = await mkdtemp(join(tmpdir(), 'gpg-'))
    // Else a passphrase costs a second each time, as it is meant to.
    await writeFile(join(folder, 'gpg-agent.conf'), 's2k-count 65536\n')
    return new GpgHome(folder)
  }

  async close(): Promise<void> {
    await this.run('gpgconf', ['--kill', 'all'])
    await rm(this.folder, { recursive: true, force: true })
  }

  get environment(): NodeJS.ProcessEnv {
    return { PATH: process.env.PATH, HOME: this.folder, GNUPGHOME: this.folder, LC_ALL: 'C', TZ: 'UTC' }
  }

  /** @param at `20200131T000000`: the day that gpg believes it is */
  async gpg(parameters: readonly string[], { at, input }: { at?: string; input?: Uint8Array } = {}): Promise<Ran> {
    const day = at === undefined ? [] : ['--faked-system-time', `${at}!`]
    const ran = await this.run('gpg', [...gpgAlways, ...day, ...parameters], input)
    if (ran.code !== 0) throw new Error(`gpg ${parameters.join(' ')}: ${ran.stderr}`)
    return ran
  }

  /** @returns the fingerprint */
  async makeKey({ userId, kind, usage = 'sign', expires = 'never', at }: KeyWish): Promise<string> {
    const day = at === undefined ? {} : { at }
    await this.gpg(['--quick-generate-key', userId, kind, usage, expires], day)
    return this.fingerprint(userId)
  }

  async fingerprint(userId: string): Promise<string> {
    const { stdout } = await this.gpg(['--with-colons', '--list-keys', userId])
    const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(stdout.toString())?.[1]
    if (fingerprint === undefined) throw new Error(`gpg has no key of ${userId}`)
    return fingerprint
  }

  async exportPublic(...names: readonly string[]): Promise<string> {
    return (await this.gpg(['--armor', '--export', ...names])).stdout.toString()
  }

  async exportSecret(name: string, how: '--export-secret-keys' | '--export-secret-subkeys' = '--export-secret-keys') {
    return (await this.gpg(['--armor', how, name])).stdout.toString()
  }

  /** Whether gpg takes a detached signature; what it says stands in `stderr`. */
  async verify(signature: Uint8Array, signed: Uint8Array): Promise<Ran> {
    const [signatureFile, signedFile] = [join(this.folder, 'signature'), join(this.folder, 'signed')]
    await writeFile(signatureFile, signature)
    await writeFile(signedFile, signed)
    return this.run('gpg', [...gpgAlways, '--verify', signatureFile, signedFile])
  }

  run(program: string, parameters: readonly string[], input?: Uint8Array): Promise<Ran> {
    return new Promise((resolve, reject) => {
      const child = spawn(program, parameters, { env: this.environment })
      const [output, errors]: [Buffer[], Buffer[]] = [[], []]
      child.stdout.on('data', (chunk: Buffer) => output.push(chunk))
      child.stderr.on('data', (chunk: Buffer) => errors.push(chunk))
      child.on('error', reject)
      child.stdin.on('error', () => {})
      child.stdin.end(input)
      child.on('close', (code) => {
        resolve({ stdout: Buffer.concat(output), stderr: Buffer.concat(errors).toString(), code: code ?? -1 })
      })
    })
  }
}

const gpgAlways = ['--batch', '--yes', '--pinentry-mode', 'loopback', '--passphrase', '', '--no-tty']
