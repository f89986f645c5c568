/** What is set up with a key: the .repo files tell clients to check, workers are given the key, and doctor says whose it is. */
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { type LocalCloud, startLocalCloud } from '@repokeeper/local-cloud'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Workplace, workplaceForTests } from './run-cli.ts'

const place = workplaceForTests()
const repo = 's3://signed/el9'
let cloud: LocalCloud
let s3: S3Client

beforeAll(async () => {
  cloud = await startLocalCloud({ directory: join(place().directory, 'cloud') })
  const credentials = { accessKeyId: 'tester', secretAccessKey: 'anything' }
  s3 = new S3Client({ endpoint: cloud.endpoint, region: 'us-east-1', forcePathStyle: true, credentials })
  for (const [name, expires] of [
    ['key', 'never'],
    ['soon', '30d'],
  ] as const) {
    const args = ['--user-id', `${name} <${name}@example.com>`, '--expires', expires, '-o', `${name}.asc`]
    expect(await place().repokeeper('key', 'new', ...args)).toMatchObject({ code: 0 })
  }
})
afterAll(async () => {
  s3.destroy()
  await cloud.close()
  await rm(join(place().directory, 'cloud'), { recursive: true })
})

test('init signs what it makes and what is there, and prints what clients and workers need for it', async () => {
  const checks = () => `gpgcheck=0\nrepo_gpgcheck=1\ngpgkey=${cloud.endpoint}/signed/el9/repodata/repomd.xml.key\n`
  const plain = await here().repokeeper('init', repo)
  expect(plain.stdout).not.toContain('repo_gpgcheck')

  const dry = await here().repokeeper('init', repo, '--sign-key', 'key.asc', '--dry-run')
  expect(dry.stdout).toMatch(/^would be created +signature repodata\/repomd\.xml\.asc$/m)
  const signed = await here().repokeeper('init', repo, '--sign-key', 'key.asc')
  expect(signed).toMatchObject({ code: 0, stderr: '' })
  expect(signed.stdout).toMatch(/^created +signature repodata\/repomd\.xml\.asc$/m)
  expect(signed.stdout).toContain(checks())
  expect(signed.stdout.match(/^repokeeper worker .* --sign-key key\.asc$/gm)).toHaveLength(2)
  expect(await here().repokeeper('verify', repo, '--key', 'key.pub.asc')).toMatchObject({ code: 0 })

  // Whoever has no key is told what clients are to check all the same.
  const again = await here().repokeeper('init', repo)
  expect(again.stdout).toContain(checks())
  const fresh = await here().repokeeper('init', 's3://signed/el10', '--sign-key', 'key.asc', '--json')
  expect(JSON.parse(fresh.stdout).repoFile).toContain('repo_gpgcheck=1\ngpgkey=')
  expect(await here().repokeeper('verify', 's3://signed/el10', '--key', 'key.pub.asc')).toMatchObject({ code: 0 })
})

test('the pages tell clients to check, with the key of the packages before that of the metadata', async () => {
  const site = async (...args: readonly string[]): Promise<string> => {
    const ran = await here().repokeeper(
      'site',
      repo,
      '--base-url',
      'https://example.org/el9/',
      '--output',
      'pages',
      ...args,
    )
    expect(ran).toMatchObject({ code: 0, stderr: '' })
    return readFile(join(place().directory, 'pages/el9.repo'), 'utf8')
  }
  const beside = 'https://example.org/el9/repodata/repomd.xml.key'
  expect(await site()).toContain(`enabled=1\ngpgcheck=0\nrepo_gpgcheck=1\ngpgkey=${beside}\n`)
  const key = ['--gpg-key', 'https://example.org/key']
  expect(await site(...key)).toContain(`gpgcheck=1\nrepo_gpgcheck=1\ngpgkey=https://example.org/key ${beside}\n`)
  await here().repokeeper('site', repo)
  const page = await s3.send(new GetObjectCommand({ Bucket: 'signed', Key: 'el9/repoview/index.html' }))
  const text = (await page.Body?.transformToString()) ?? ''
  const unknown = '<span data-base>https://YOUR-SERVER/</span>'
  expect(text).toContain(
    `baseurl=${unknown}\nenabled=1\ngpgcheck=0\nrepo_gpgcheck=1\ngpgkey=${unknown}repodata/repomd.xml.key`,
  )
  expect(text).not.toContain('--no-gpgcheck')
})

describe('doctor', () => {
  test.each<[string, () => Promise<unknown>, string, RegExp]>([
    ['by whom', async () => {}, 'ok', /^right, by key <key@example\.com> \(RSA 4096, .*\), whose key never expires$/],
    ['that its key is over soon', () => sign('soon.asc'), 'warning', /^right, by soon .* whose key expires \d{4}-/],
    ['that it is wrong', () => put('repomd.xml.asc', 'rubbish'), 'problem', /^the signature is wrong: it holds no sig/],
    [
      'that the key is missing',
      () => remove('repomd.xml.key'),
      'warning',
      /^signed, and repodata\/repomd\.xml\.key is not/,
    ],
    ['that there is none', () => remove('repomd.xml.asc'), 'ok', /^not signed$/],
  ])('says of the signature %s', async (_, change, verdict, message) => {
    await change()
    const { stdout } = await here().repokeeper('doctor', repo, '--json')
    const findings: readonly { readonly check: string }[] = JSON.parse(stdout).findings
    const found = findings.filter(({ check }) => check === 'signature')
    expect(found).toMatchObject([{ verdict, message: expect.stringMatching(message) }])
  })
})

test('status and doctor say which keys are over soon, be it the next one that signs or one of a keyring', async () => {
  const turning = ['--sign-next-key', 'soon.asc', '--sign-next-from', '2199-01-01']
  await here().repokeeper('rebuild', repo, '--sign-key', 'key.asc', ...turning)
  const environment = { REPOKEEPER_KEYRING: 'soon.pub.asc' }
  const { code, stderr } = await here().repokeeper('status', repo, { environment })
  const soon = 'key [0-9a-f]{16} of soon <soon@example\\.com>'
  expect({ code, warnings: stderr.trimEnd().split('\n') }).toEqual({
    code: 0,
    warnings: [
      expect.stringMatching(
        `^warning: ${soon}, which is to sign next, expires on .*: nothing is published from then on; prolong`,
      ),
      expect.stringMatching(
        `^warning: ${soon} in the keyring expires on .*: packages that it signs later are refused; prolong`,
      ),
    ],
  })
  const { stdout } = await here().repokeeper('doctor', repo, '--keyring', 'soon.pub.asc')
  expect(stdout).toMatch(/^warning {2}keys {16}key .*, which is to sign next, expires on .*\. prolong it/m)
  expect(stdout).toMatch(/^warning {2}keys {16}key .* in the keyring expires on .*/m)
})

test('status says all else where the keys beside the metadata cannot be read', async () => {
  await put('repomd.xml.key', 'rubbish')
  const said = expect.stringContaining('warning: when the keys are over cannot be told: repodata/repomd.xml.key')
  expect(await here().repokeeper('status', repo)).toMatchObject({ code: 0, stderr: said })
})

function sign(key: string): Promise<unknown> {
  return here().repokeeper('rebuild', repo, '--sign-key', key)
}

async function put(name: string, body: string): Promise<void> {
  await s3.send(new PutObjectCommand({ Bucket: 'signed', Key: `el9/repodata/${name}`, Body: body }))
}

async function remove(name: string): Promise<void> {
  await s3.send(new DeleteObjectCommand({ Bucket: 'signed', Key: `el9/repodata/${name}` }))
}

function here(): Workplace {
  return place().with({
    AWS_ENDPOINT_URL: cloud.endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'tester',
    AWS_SECRET_ACCESS_KEY: 'anything',
    AWS_MAX_ATTEMPTS: '1',
  })
}
