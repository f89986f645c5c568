/**
 * Only signed packages: what each command makes of packages that real rpmsign has signed, beside what rpmkeys says of them.
 */
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CreateBucketCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { startLocalCloud } from '@repokeeper/local-cloud'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { describeWithClients } from '../../../fixtures/describe-with-clients.ts'
import { workplaceForTests } from './run-cli.ts'
import { makeSignedPackages, type SignedPackages } from './signed-packages.ts'

const here = workplaceForTests()
const at = (...parts: string[]): string => join(here().directory, ...parts)

describeWithClients(['gpg', 'rpmsign', 'rpmkeys'], 'with --package-policy signed', () => {
  let made: SignedPackages
  let policy: string[] = []
  /** With the policy; and what it said of the packages. */
  let rebuilt: { readonly repository: string; readonly refused: readonly Refused[] }
  beforeAll(async () => {
    made = await makeSignedPackages()
    policy = ['--package-policy', 'signed', ...made.keyFiles.flatMap((file) => ['--keyring', file])]
    const repository = await directoryOfAll('rebuilt')
    const { code, stdout } = await here().repokeeper('rebuild', repository, '--json', ...policy)
    expect(code).toBe(1)
    rebuilt = { repository, refused: JSON.parse(stdout).refused }
  })
  afterAll(() => made.room.close())

  const refused = () => made.packages.filter(({ code }) => code !== undefined)
  const letIn = () => made.packages.filter(({ code }) => code === undefined)
  const named = (files: readonly { readonly file: string }[]) => files.map(({ file }) => file).toSorted()

  async function directoryOfAll(name: string): Promise<string> {
    await mkdir(at(name))
    for (const { path, file } of made.packages) await copyFile(path, at(name, file))
    return name
  }

  async function listed(repository: string): Promise<string[]> {
    const { stdout } = await here().repokeeper('list', repository, '--json')
    const lines = stdout.split('\n').filter((line) => line !== '')
    return lines.map((line): string => JSON.parse(line).location).toSorted()
  }

  test('rpmkeys takes what is let in, and refuses what is refused but for keys whose time it does not look at', async () => {
    const rpmKeys = await made.room.rpmKeys(made.keyFiles)
    for (const { file, path, rpmTakes } of made.packages) {
      const { isAccepted, lines } = await rpmKeys.check(await readFile(path))
      const said = lines.join('\n')
      // Newer rpm says that it does not trust expired and revoked keys.
      expect(isAccepted || said.includes('NOTTRUSTED'), `${file}: ${said}`).toBe(rpmTakes)
    }
  })

  test('a rebuild lists what is signed, and names each of the others with its code, key and remedy', async () => {
    for (const { file, code, reason } of refused()) {
      const found = rebuilt.refused.find(({ path }) => path === file)
      expect(found, file).toEqual({ path: file, code, reason: expect.stringMatching(reason) })
    }
    expect(rebuilt.refused.length).toBe(refused().length)
    expect(await listed(rebuilt.repository)).toEqual(named(letIn()))
  })

  test('add refuses before anything is uploaded, with the same words, and adds the others', async () => {
    await mkdir(at('added'))
    const files = made.packages.map(({ path }) => path)
    const tried = await here().repokeeper('add', 'added', ...files, '--json', ...policy)
    expect(tried.code).toBe(1)
    expect(tried.stderr).toContain(`nothing was uploaded, because of ${refused().length} bad files`)
    const report: { readonly files: readonly { file: string; status: string; code?: string; reason?: string }[] } =
      JSON.parse(tried.stdout)
    for (const { file, path, code } of refused()) {
      const found = report.files.find((one) => one.file === path)
      const { reason } = rebuilt.refused.find((one) => one.path === file) ?? {}
      expect(found, file).toEqual({ file: path, status: 'bad', code, reason })
    }
    const good = letIn().map(({ path }) => path)
    expect(await here().repokeeper('add', 'added', ...good, ...policy)).toMatchObject({ code: 0 })
    expect(await listed('added')).toEqual(named(letIn()))
  })

  test('mirror puts nothing that is refused into the bucket, names it with the same words, and brings the others', async () => {
    const cloud = await startLocalCloud({ directory: at('cloud') })
    const credentials = { accessKeyId: 'tester', secretAccessKey: 'anything' }
    const s3 = new S3Client({ endpoint: cloud.endpoint, region: 'us-east-1', forcePathStyle: true, credentials })
    onTestFinished(async () => {
      s3.destroy()
      await cloud.close()
    })
    await s3.send(new CreateBucketCommand({ Bucket: 'harbour' }))
    const there = here().with({
      ...{ AWS_ENDPOINT_URL: cloud.endpoint, AWS_REGION: 'us-east-1' },
      ...{ AWS_ACCESS_KEY_ID: 'tester', AWS_SECRET_ACCESS_KEY: 'anything' },
    })
    const upstream = await directoryOfAll('upstream')
    expect((await here().repokeeper('rebuild', upstream)).code).toBe(0)
    const ran = await there.repokeeper('mirror', upstream, 's3://harbour/el9', '--publish', '--json', ...policy)
    expect(ran.code).toBe(1)
    const [report] = JSON.parse(ran.stdout).mirrors
    const byPath = (a: { path: string }, b: { path: string }): number => (a.path < b.path ? -1 : 1)
    const told = rebuilt.refused.map((one) => ({ kind: 'refused', ...one, keyIds: expect.any(Array) }))
    expect(report.refused.toSorted(byPath)).toEqual(told.toSorted(byPath))
    const { keyIds } = report.refused.find(({ path }: Refused) => path === 'stranger.rpm')
    expect(keyIds).toEqual([await made.room.keyId('stranger')])
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: 'harbour' }))
    const packages = Contents.flatMap(({ Key = '' }) => (Key.endsWith('.rpm') ? Key.slice('el9/'.length) : []))
    expect(packages.toSorted()).toEqual(named(letIn()))
    const { stdout } = await there.repokeeper('list', 's3://harbour/el9')
    expect(stdout.trimEnd().split('\n')).toHaveLength(letIn().length)
  })

  test('what an older policy let in is found by audit --signatures, deep or not, and taken out by --repair', async () => {
    const repository = await directoryOfAll('audited')
    expect((await here().repokeeper('rebuild', repository)).code).toBe(0)
    const flags = ['--signatures', ...policy.slice(2)]
    const shallow = await here().repokeeper('audit', repository, ...flags, '--json')
    // Without the payload: whether it was changed, or is signed itself, is not known.
    const unseen = ['bad-payload.rpm']
    expect(findingsOf(shallow)).toEqual(
      refused()
        .filter(({ file }) => !unseen.includes(file))
        .map(({ file, code }) => ({ kind: kindOf(code), path: file, code }))
        .toSorted((a, b) => (a.path < b.path ? -1 : 1)),
    )
    const { notes, signers }: Report = JSON.parse(shallow.stdout)
    expect(notes).toEqual([{ kind: 'unchecked', path: 'over-payload.rpm', reason: expect.stringContaining('--deep') }])
    const rsa = await made.room.keyId('rsa')
    expect(signers).toContainEqual({ keyId: rsa, userId: 'rsa <rsa@example.com>', packages: 2 })

    const deep = await here().repokeeper('audit', repository, ...flags, '--deep', '--json')
    expect(findingsOf(deep).map(({ path }) => path)).toEqual(named(refused()))

    const told = await here().repokeeper('audit', repository, ...flags)
    expect(told.stdout).toMatch(/^unsigned-package +unsigned\.rpm +it is not signed; sign it/m)
    expect(told.stdout).toContain(`note  key ${rsa}  has signed 2 packages: rsa <rsa@example.com>`)
    expect(told.stderr).toContain('out of the metadata; the files stay in the bucket.')

    const repaired = await here().repokeeper('audit', repository, ...flags, '--deep', '--repair')
    expect(repaired).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('mended  7 packages taken out of the met'),
    })
    expect(await listed(repository)).toEqual(named(letIn()))
    for (const { file, path } of made.packages) {
      expect((await readFile(at(repository, file))).equals(await readFile(path)), file).toBe(true)
    }
  })

  test('what is refused can be let in by a keyring that has its key', async () => {
    await mkdir(at('later'))
    const stranger = made.packages.find(({ file }) => file === 'stranger.rpm')?.path ?? ''
    expect(await here().repokeeper('add', 'later', stranger, ...policy)).toMatchObject({ code: 1 })
    const more = await made.room.exportKey('stranger')
    expect(await here().repokeeper('add', 'later', stranger, ...policy, '--keyring', more)).toMatchObject({ code: 0 })
    expect(await listed('later')).toEqual(['stranger.rpm'])
    await rm(more)
  })

  test('keys that are expired or revoked are said at the start', async () => {
    await mkdir(at('noted'))
    const { stderr } = await here().repokeeper('add', 'noted', letIn()[0]?.path ?? '', ...policy)
    expect(stderr).toMatch(/^warning: keyring \S+expired\.asc: key [0-9a-f]{16}: it expired on 2020-12-31: what it/m)
    expect(stderr).toMatch(/^warning: keyring \S+stolen\.asc: key [0-9a-f]{16}: it is revoked \(.*\): nothing that it/m)
  })
})

interface Refused {
  readonly path: string
  readonly code: string
  readonly reason: string
}

interface Report {
  readonly findings: readonly { kind: string; path: string; code: string }[]
  readonly notes: readonly unknown[]
  readonly signers: readonly unknown[]
}

function findingsOf({ stdout }: { readonly stdout: string }) {
  const { findings }: Report = JSON.parse(stdout)
  return findings.map(({ kind, path, code }) => ({ kind, path, code }))
}

function kindOf(code: string | undefined): string {
  if (code === 'UNSIGNED') return 'unsigned-package'
  return code?.startsWith('BAD') ? 'broken-signature' : 'untrusted-package'
}

describe('wrong use', () => {
  const signedBy = (keyring: string) => ['--package-policy', 'signed', '--keyring', keyring]
  const rows: readonly (readonly [string, readonly string[], number, string])[] = [
    [
      'a keyring without a policy',
      ['add', '.', 'a.rpm', '--keyring', 'a.asc'],
      2,
      '--keyring verifies nothing without',
    ],
    ['an empty keyring', ['audit', '.', '--signatures', '--keyring', 'empty.asc'], 1, 'empty.asc holds no public key'],
    ['signatures without a keyring', ['audit', '.', '--signatures'], 2, 'by whom? Give the public keys: --keyring'],
    ['a worker without its keyring', ['worker', '-q', 'q', ...signedBy('none.asc')], 1, 'keys none.asc is not there'],
    [
      'a keyring that an audit is not to use',
      ['audit', '.', '--keyring', 'a.asc'],
      2,
      'of no use without --signatures',
    ],
  ]
  test.concurrent.each(rows)('%s is told', async (_, args, code, message) => {
    await writeFile(at('empty.asc'), '')
    const ran = await here().repokeeper(...args)
    expect(ran).toMatchObject({ code, stderr: expect.stringContaining(message) })
  })

  test.concurrent('a policy in the environment that there is not is told, too', async () => {
    const ran = await here().repokeeper('rebuild', '.', { environment: { REPOKEEPER_PACKAGE_POLICY: 'some' } })
    expect(ran).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('REPOKEEPER_PACKAGE_POLICY is some: expected'),
    })
  })
})
