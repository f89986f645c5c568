/** dnf with repo_gpgcheck=1 on a repository whose repomd.xml was signed here. */
import { appendFile, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeWithClients } from '../../../fixtures/describe-with-clients.ts'
import { type Dnf, openDnf } from '../../../fixtures/dnf.ts'
import { GpgHome } from '../../../fixtures/gpg-home.ts'
import { makeKey, openCommandSigner, openKeySigner, type Signer } from '../src/index.ts'

const now = Date.now() - 60_000
const packages = join(import.meta.dirname, '..', '..', '..', 'fixtures', 'rpms')

describeWithClients(['dnf', 'createrepo_c', 'gpg'], 'dnf, asked to check repomd.xml,', () => {
  let home: GpgHome
  let repository: string
  beforeAll(async () => {
    home = await GpgHome.open()
    repository = await mkdtemp(join(tmpdir(), 'signed-repository-'))
    await cp(packages, repository, { recursive: true })
    const made = await home.run('createrepo_c', [repository])
    expect(made).toMatchObject({ code: 0 })
  })
  afterAll(async () => {
    await home.close()
    await rm(repository, { recursive: true })
  })

  const signers: readonly (readonly [string, () => Promise<Signer>])[] = [
    ['an RSA key made here', async () => keySigner('rsa4096')],
    ['an Ed25519 key made here', async () => keySigner('ed25519')],
    [
      'gpg, with a subkey',
      async () => {
        const userId = 'By gpg <gpg@example.com>'
        const key = await home.makeKey({ userId, kind: 'rsa2048', usage: 'cert', at: '20240101T000000' })
        await home.gpg(['--quick-add-key', key, 'rsa2048', 'sign', 'never'], { at: '20240101T000000' })
        const publicKey = { text: await home.exportPublic(key) }
        const options = `--homedir ${home.folder} --batch --pinentry-mode loopback --passphrase ''`
        const command = `gpg ${options} --detach-sign --armor -u ${key}`
        return openCommandSigner({ command, publicKey, now: Date.now })
      },
    ],
  ]

  test.each(signers)('takes a signature by %s', async (_, open) => {
    const signer = await open()
    const repomd = join(repository, 'repodata', 'repomd.xml')
    await writeFile(`${repomd}.asc`, await signer.sign(await readFile(repomd)))
    await writeFile(`${repomd}.key`, signer.publicKey)
    const dnf = await freshDnf()
    expect((await dnf('repoquery', '--quiet')).stdout).toContain('hello-repokeeper-0:1.1-1.noarch')
  })

  test('refuses a repomd.xml that is another one than was signed', async () => {
    await appendFile(join(repository, 'repodata', 'repomd.xml'), '\n')
    const dnf = await freshDnf()
    await expect(dnf('makecache')).rejects.toThrow(/repomd.xml GPG signature verification error/)
  })

  async function keySigner(kind: 'rsa4096' | 'ed25519'): Promise<Signer> {
    const key = await makeKey({ userId: 'Made here <made@example.com>', kind, now })
    return openKeySigner({ key: { text: key.revealPrivateKey() }, now: Date.now })
  }

  async function freshDnf(): Promise<Dnf> {
    const place = await mkdtemp(join(home.folder, 'dnf-'))
    const key = `file://${join(repository, 'repodata', 'repomd.xml.key')}`
    return openDnf(place, `file://${repository}`, ['repo_gpgcheck=1', `gpgkey=${key}`])
  }
})
