/**
 * dnf and zypper with repo_gpgcheck=1 and gpgcheck=1: what they make of what we sign, and of what somebody else did to it.
 */
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { readBody } from '@repokeeper/object-store'
import { parseRepomd } from '@repokeeper/repodata'
import { afterAll, expect, it } from 'vitest'
import { describeWithClients } from '../../../../fixtures/describe-with-clients.ts'
import { GpgHome, type KeyWish } from '../../../../fixtures/gpg-home.ts'
import { clientPlaceForTests } from './client-place.ts'
import { describeAsRoot } from './describe-as-root.ts'
import { failureOutput } from './failure-output.ts'
import { harbourFiles } from './harbour-repository.ts'
import { checkingDnf, checkingZypper, distrustingZypper, rpmsign, writeKey } from './signed-repository.ts'
import { turnLastBit } from './turn-last-bit.ts'

/** One repository for each way to sign. */
const signers = ['ours-rsa', 'ours-ed25519', 'gpg-passphrase', 'gpg-subkey', 'gpg-command'] as const
type SignerName = (typeof signers)[number]

/** Made of the repository of the first signer, by somebody who may write to the bucket. */
const spoiled = ['other-repomd', 'other-document', 'other-key', 'no-signature'] as const

let gpg: GpgHome | undefined
const signed = { name: 'harbour-sh', file: 'harbour-sh-1.0-1.noarch.rpm' }
const unsigned = { name: 'tide-charts', file: 'tide-charts-2026.11-1.noarch.rpm' }
/** Public keys, and a package that is signed. */
const keys = { packages: '', repository: '', signedFile: '' }

const place = clientPlaceForTests(async (client) => {
  const directory = await client.makeDirectory()
  const at = (name: string) => join(directory, name)
  gpg = await GpgHome.open()
  const options = await makeSigners(gpg, at)
  const packager = await gpg.makeKey({ userId: 'Packager <packager@example.com>', kind: 'rsa2048' })
  keys.packages = await writeKey(at('packager.asc'), await gpg.exportPublic(packager))
  keys.repository = at('ours-rsa.pub.asc')
  keys.signedFile = at(signed.file)
  const files: string[] = []
  for (const file of await harbourFiles(directory)) {
    if (![signed.file, unsigned.file].includes(basename(file))) continue
    const own = at(basename(file))
    if (file !== own) await copyFile(file, own)
    files.push(own)
  }
  await rpmsign(
    gpg,
    packager,
    files.filter((file) => basename(file) === signed.file),
  )
  const publish = (root: string, signing: readonly string[]) =>
    client.repokeeper('add', client.repoOf(root), ...files, '--publish', ...signing)
  for (const name of signers) await publish(name, options[name])
  for (const root of spoiled) await publish(root, options['ours-rsa'])
  await spoil(client, options['ours-ed25519'])

  async function makeSigners(
    home: GpgHome,
    path: (name: string) => string,
  ): Promise<Record<SignerName, readonly string[]>> {
    const word = 'the tide is out'
    const ours = (name: string, kind: string) =>
      client.repokeeper(
        'key',
        'new',
        '--user-id',
        `${name} <${name}@example.com>`,
        '--kind',
        kind,
        '-o',
        path(`${name}.asc`),
      )
    await ours('ours-rsa', 'rsa4096')
    await ours('ours-ed25519', 'ed25519')
    const make = (name: string, kind: string, more: Partial<KeyWish> = {}) =>
      home.makeKey({ userId: `${name} <${name.toLowerCase()}@example.com>`, kind, ...more })
    const protectedKey = await make('Protected', 'rsa3072', { passphrase: word })
    const withSubkey = await make('Certifier', 'rsa2048', { usage: 'cert' })
    await home.gpg(['--quick-add-key', withSubkey, 'rsa2048', 'sign', 'never'])
    const commanded = await make('Commanded', 'rsa2048')
    await writeKey(path('protected.asc'), await home.exportSecret(protectedKey, '--export-secret-keys', word))
    // The primary key's secret stays where it is.
    await writeKey(path('subkey.asc'), await home.exportSecret(withSubkey, '--export-secret-subkeys'))
    await writeKey(path('commanded.asc'), await home.exportPublic(commanded))
    await writeFile(path('word'), `${word}\n`, { mode: 0o600 })
    const command = `gpg --homedir '${home.folder}' --batch --detach-sign --armor -u ${commanded}`
    return {
      'ours-rsa': ['--sign-key', path('ours-rsa.asc')],
      'ours-ed25519': ['--sign-key', path('ours-ed25519.asc')],
      'gpg-passphrase': ['--sign-key', path('protected.asc'), '--sign-passphrase', path('word')],
      'gpg-subkey': ['--sign-key', path('subkey.asc')],
      'gpg-command': ['--sign-command', command, '--sign-public-key', path('commanded.asc')],
    }
  }
})

async function spoil({ store, ...client }: ReturnType<typeof place>, stranger: readonly string[]): Promise<void> {
  const read = async (key: string): Promise<Buffer> => {
    const got = await store.get(key)
    if (got.kind !== 'found') throw new Error(`${key} is ${got.kind}`)
    return Buffer.from(await readBody(got.body, 2 ** 24))
  }
  const repomd = 'other-repomd/repodata/repomd.xml'
  const other = (await read(repomd)).toString().replace(/<revision>\d+/, '<revision>1')
  await store.put(repomd, Buffer.from(other), { if: 'always' })

  const document = parseRepomd(await read('other-document/repodata/repomd.xml')).records[0]?.href ?? ''
  await turnLastBit({ store, ...client }, `other-document/${document}`)

  await client.repokeeper('rebuild', client.repoOf('other-key'), ...stranger)
  await store.put('other-key/repodata/repomd.xml.key', await readFile(keys.repository), { if: 'always' })
  await store.delete('no-signature/repodata/repomd.xml.asc')
}

afterAll(() => gpg?.close())

describeWithClients(['dnf', 'gpg', 'rpm'], 'dnf that checks signatures', () => {
  it.each(signers)('takes what is signed by %s, and lists it', async (root) => {
    const dnf = await checkingDnf(place(), root)
    const querying = dnf('repoquery', '--quiet')
    expect(await listed(querying)).toEqual(['harbour-sh-0:1.0-1.noarch', 'tide-charts-0:2026.11-1.noarch'])
    expect((await querying).stderr.match(/Importing GPG key/g)).toHaveLength(1)
  })

  it('takes what a worker has signed', async () => {
    const { store, queues, repoOf } = place()
    const [additions] = queues
    await store.put(`worked/${signed.file}`, await readFile(keys.signedFile), { if: 'always' })
    const signing = ['--sign-key', keys.repository.replace('.pub', '')]
    await place().repokeeper('worker', '-q', additions, '--once', '--repository', repoOf('worked'), ...signing)
    const dnf = await checkingDnf(place(), 'worked')
    expect(await listed(dnf('repoquery', '--quiet'))).toEqual(['harbour-sh-0:1.0-1.noarch'])
  })

  it.each([
    ['other-repomd', 'repomd.xml GPG signature verification error: Bad GPG signature'],
    ['other-document', 'Downloading successful, but checksum doesn'],
    ['other-key', 'repomd.xml GPG signature verification error: Bad GPG signature'],
    ['no-signature', 'Status code: 404'],
  ])('lists nothing of %s', async (root, message) => {
    const dnf = await checkingDnf(place(), root)
    const output = await failureOutput(dnf('repoquery'))
    expect(output).toContain(message)
    expect(output).not.toContain('harbour-sh')
  })
})

describeAsRoot(['dnf', 'gpg', 'rpm'], 'dnf that checks signatures of packages', () => {
  it('installs one that is signed, and neither one that is not nor one by a key that it does not know', async () => {
    const beside = `${place().urlOf('ours-rsa')}/repodata/repomd.xml.key`
    const dnf = await checkingDnf(place(), 'ours-rsa', [beside, `file://${keys.packages}`])
    expect((await dnf('install', signed.name)).stdout).toContain('Complete!')
    expect(await failureOutput(dnf('install', unsigned.name))).toContain(`Package ${unsigned.file} is not signed`)

    const stranger = await checkingDnf(place(), 'ours-rsa', [beside])
    expect(await failureOutput(stranger('install', signed.name))).toContain(`Public key for ${signed.file} is not`)
  })
})

describeAsRoot(['zypper', 'gpg', 'rpm'], 'zypper that checks signatures', () => {
  it.each(signers)('takes what is signed by %s, and lists it', async (root) => {
    const zypper = await checkingZypper(place(), root)
    const { stdout } = await zypper('refresh')
    expect(stdout).toContain('Automatically importing the following key:')
    expect(stdout).toContain('All repositories have been refreshed.')
    expect((await zypper('search', '-s')).stdout).toMatch(/ harbour-sh .*\n.* tide-charts /)
  })

  it.each([
    ['other-repomd', 'Signature verification failed for repomd.xml'],
    ['other-document', 'Digest verification failed'],
    ['other-key', 'Signature verification failed for repomd.xml'],
    ['no-signature', "File 'repomd.xml' from repository 'repokeeper' is unsigned"],
  ])('lists nothing of %s', async (root, message) => {
    const zypper = await distrustingZypper(place(), root, [keys.repository])
    expect(await failureOutput(zypper('refresh'))).toContain(message)
    const search = await zypper('search', '-s').catch((error: unknown) => error)
    expect(JSON.stringify(search)).not.toContain('harbour-sh ')
  })

  it('installs a package that is signed, and not one that is not', async () => {
    const zypper = await distrustingZypper(place(), 'ours-rsa', [keys.repository, keys.packages])
    expect((await zypper('install', signed.name)).stdout).toMatch(/Installing: harbour-sh-1\.0-1\.noarch \[\.*done\]/)
    const output = await failureOutput(zypper('install', unsigned.name))
    expect(output).toContain('Signature verification failed [6-File is unsigned]')
  })
})

async function listed(running: Promise<{ stdout: string }>): Promise<string[]> {
  return (await running).stdout.split('\n').filter((line) => line !== '')
}
