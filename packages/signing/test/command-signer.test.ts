import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeWithClients } from '../../../fixtures/describe-with-clients.ts'
import { GpgHome } from '../../../fixtures/gpg-home.ts'
import { type CommandSignerOptions, openCommandSigner, SigningError } from '../src/index.ts'
import { runForOutput } from '../src/run-for-output.ts'

const document = Buffer.from('<?xml version="1.0"?>\n<repomd/>\n')
const now = Date.now

describeWithClients(['gpg'], 'a signer by a program', () => {
  let home: GpgHome
  let fingerprint: string
  let publicKey: { text: string }
  let signWithGpg: string
  beforeAll(async () => {
    home = await GpgHome.open()
    fingerprint = await home.makeKey({ userId: 'Agent <agent@example.com>', kind: 'ed25519', at: '20240101T000000' })
    publicKey = { text: await home.exportPublic(fingerprint) }
    signWithGpg = `gpg --homedir ${home.folder} --batch --pinentry-mode loopback --passphrase '' -u ${fingerprint}`
  })
  afterAll(() => home.close())

  const open = (command: CommandSignerOptions['command'], more: Partial<CommandSignerOptions> = {}) =>
    openCommandSigner({ command, publicKey, now, ...more })

  test('gives on what gpg and its agent made, by a line for the shell and by a list', async () => {
    const list = [
      'gpg',
      '--homedir',
      home.folder,
      '--batch',
      '--pinentry-mode',
      'loopback',
      '--passphrase',
      '',
    ] as const
    const commands = [`${signWithGpg} --detach-sign --armor`, [...list, '--detach-sign', '--armor'] as const]
    for (const command of commands) {
      const signer = await open(command)
      expect(signer.describe).toMatchObject({ fingerprint: fingerprint.toLowerCase(), kind: 'Ed25519' })
      expect((await home.verify(await signer.sign(document), document)).code).toBe(0)
    }
  })

  test('takes the signature alone where the program prints more', async () => {
    const signer = await open(`echo 'Touch the card.'; ${signWithGpg} --detach-sign --armor; echo Done.`)
    expect(Buffer.from(await signer.sign(document)).toString()).toMatch(/^-----BEGIN.*-----END PGP SIGNATURE-----\n$/s)
  })

  test('takes the public key from a file, not armored', async () => {
    const file = join(home.folder, 'key.gpg')
    await writeFile(file, (await home.gpg(['--export', fingerprint])).stdout)
    const signer = await open(`${signWithGpg} --detach-sign --armor`, { publicKey: { file } })
    expect(signer.publicKey).toBe(publicKey.text)
  })

  test.each([
    ['fails', () => 'echo "no card is there" >&2; exit 3', /it ended with 3; it said: no card is there$/],
    ['is not there', () => 'no-such-program', /ended with 127; it said: .*no-such-program/],
    ['is not there, as a list', () => ['/no/such/program'] as const, /cannot be started \(ENOENT\)/],
    ['prints nothing', () => 'true', /nothing was printed/],
    ['does not armor', () => `${signWithGpg} --detach-sign`, /it is not armored \(gpg: --armor\)/],
    ['signs the text instead', () => `${signWithGpg} --clear-sign`, /is not of these bytes|is of type 1/],
    ['packs the document in', () => `${signWithGpg} --sign --armor`, /no armored signature of its own/],
    ['signs something else', () => `echo x | ${signWithGpg} --detach-sign --armor`, /it is not of these bytes/],
    ['signs with a weak digest', () => `${signWithGpg} --digest-algo SHA1 --detach-sign --armor`, /SHA1 can be forged/],
    ['goes on and on', () => 'yes', /printed more than 65536 bytes/],
    ['prints half of it', () => `${signWithGpg} --detach-sign --armor | head -n 4`, /has no end: it was cut/],
    ['reads nothing and fails', () => 'exec <&-; exit 1', /it ended with 1; it said nothing/],
  ])('refuses what a program made that %s', async (_, command, message) => {
    await expect(open(command())).rejects.toThrow(message)
    await expect(open(command())).rejects.toMatchObject({ name: 'SigningError', code: 'SIGNING_FAILED' })
  })

  test('refuses a signature of another key than was given', async () => {
    const other = await home.makeKey({ userId: 'Other <other@example.com>', kind: 'ed25519', at: '20240101T000000' })
    const wrong = { publicKey: { text: await home.exportPublic(other) } }
    const message = new RegExp(
      `by key ${fingerprint.slice(-16)}, and the public key that was given has ${other.slice(-16)}`,
      'i',
    )
    await expect(open(`${signWithGpg} --detach-sign --armor`, wrong)).rejects.toThrow(message)
  })

  test('refuses a public key that clients cannot verify with, before anything is run', async () => {
    const dsa = await home.makeKey({ userId: 'Dsa <dsa@example.com>', kind: 'nistp256', at: '20240101T000000' })
    const marker = join(home.folder, 'was-run')
    const command = `touch ${marker}`
    await expect(open(command, { publicKey: { text: await home.exportPublic(dsa) } })).rejects.toMatchObject({
      code: 'UNUSABLE_KEY',
    })
    const both = { publicKey: { text: await home.exportPublic() } }
    await expect(open(command, both)).rejects.toThrow(/the public key holds \d keys; it has to hold the one that signs/)
    await expect(home.run('test', ['-e', marker])).resolves.toMatchObject({ code: 1 })
  })
})

describe('a program that signs', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'signing-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  test('is ended with all that it started when it takes too long', async () => {
    const pidFile = join(folder, 'pid')
    const command = `sleep 1000 & echo $! >${pidFile}; trap '' TERM; wait; sleep 1000`
    const ran = runForOutput(command, document, 0.2)
    await expect(ran).rejects.toThrow(/it took longer than 0.2 s/)
    const shell = await runForOutput(`kill -0 $(cat ${pidFile}) 2>/dev/null && echo alive || echo gone`, document, 10)
    expect(Buffer.from(shell).toString()).toBe('gone\n')
  })

  test('cannot send the terminal of who reads the error anywhere', async () => {
    const error: unknown = await runForOutput(`printf 'a\\033[2Jb' >&2; exit 1`, document, 10).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(SigningError)
    expect(String(error)).toMatch(/it said: a\[2Jb$/)
  })

  test('says the end of a long complaint', async () => {
    const error: unknown = await runForOutput(
      `yes line | head -n 10000 >&2; echo the reason >&2; exit 1`,
      document,
      10,
    ).catch((thrown) => thrown)
    expect(String(error)).toMatch(/the reason$/)
    expect(String(error).length).toBeLessThan(2_500)
  })
})
