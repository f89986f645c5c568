import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PolicyVerdict } from '@repokeeper/repository'
import { parsePackage } from '@repokeeper/rpm-parser'
import { buildPackage } from '@repokeeper/rpm-parser/testing'
import { makeKey, openKeySigner, type Signer } from '@repokeeper/signing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readWorkerOptions } from '../src/options.ts'
import { openPackagePolicyIfSaid, type PackagePolicySettings } from '../src/package-policy-settings.ts'
import { buildSignedPackage } from './signed-package.ts'

const today = Date.UTC(2026, 5, 1)
const hour = 3_600_000

let directory = ''
let alice: Signer
/** Of a key that ended in 2026. */
let old: Signer
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'repokeeper-policy-'))
  const signerOf = async (userId: string, expiresAfterDays?: number) => {
    const made = Date.UTC(2026, 0, 1)
    const wish = { userId, kind: 'ed25519', now: made } as const
    const key = await makeKey({ ...wish, ...(expiresAfterDays !== undefined && { expiresAfterDays }) })
    return openKeySigner({ key: { text: key.revealPrivateKey() }, now: () => (expiresAfterDays ? made : today) })
  }
  alice = await signerOf('Alice <alice@example.com>')
  old = await signerOf('Old <old@example.com>', 30)
  await writeFile(file('alice.asc'), alice.publicKey)
  await writeFile(file('old.asc'), old.publicKey)
})
afterAll(() => rm(directory, { recursive: true }))

const file = (name: string): string => join(directory, name)

const open = (
  settings: Partial<PackagePolicySettings>,
  { now = () => today, environment = {} }: { now?: () => number; environment?: Record<string, string> } = {},
) => openPackagePolicyIfSaid({ acceptWeakSignatures: false, ...settings }, { environment }, now)

async function judge(bytes: Uint8Array, settings: Partial<PackagePolicySettings>, now?: () => number) {
  const { policy } = await open({ packagePolicy: 'signed', ...settings }, now && { now })
  if (policy.kind === 'any') throw new Error('any package is let in')
  const { verifier } = policy
  return (): PolicyVerdict => verifier.begin(parsePackage(bytes), bytes).headerVerdict()
}

describe('a policy with a keyring', () => {
  it('lets in what a key of it has signed, and says of the rest why not', async () => {
    const keyring = [file('alice.asc')]
    const signed = await judge(await buildSignedPackage('foo', alice), { keyring })
    expect(signed()).toMatchObject({ kind: 'signed', by: { keyId: alice.describe.keyId } })
    const unsigned = await judge(buildPackage({ name: 'foo' }), { keyring })
    expect(unsigned()).toMatchObject({ kind: 'refused', code: 'UNSIGNED', reason: 'it is not signed' })
    const strange = await judge(await buildSignedPackage('foo', old), { keyring })
    const reason = expect.stringContaining(`key ${old.describe.keyId}`)
    expect(strange()).toMatchObject({ kind: 'refused', code: 'UNKNOWN_KEY', reason })
  })

  it('asks for the time at each package, not at its start', async () => {
    let now = today - hour
    const verdict = await judge(await buildSignedPackage('foo', alice), { keyring: [file('alice.asc')] }, () => now)
    expect(verdict()).toMatchObject({ kind: 'refused', code: 'BAD_SIGNATURE' })
    now = today
    expect(verdict().kind).toBe('signed')
  })

  it('takes its keys from files and from variables, and tells which are of less use than one thinks', async () => {
    const keyring = ['env:KEYS', file('old.asc')]
    const environment = { KEYS: alice.publicKey }
    const opened = await open({ packagePolicy: 'signed', keyring, acceptWeakSignatures: true }, { environment })
    expect(opened.keyring?.keys.map(({ userId }) => userId)).toEqual([
      'Alice <alice@example.com>',
      'Old <old@example.com>',
    ])
    expect(opened.keyring?.notes).toEqual([
      { file: file('old.asc'), keyId: old.describe.keyId, reason: expect.stringMatching(/^it expired on 2026-01-31/) },
    ])
    expect(opened.keyring?.acceptsWeak).toBe(true)
  })

  it('is told where a source is no keyring', async () => {
    const opening = (...keyring: string[]) => open({ packagePolicy: 'signed', keyring })
    await expect(opening('env:KEYS')).rejects.toThrow('the keyring is to be in the variable KEYS, which is not set')
    await expect(opening(file('none.asc'))).rejects.toThrow('none.asc is not there')
    await writeFile(file('empty.asc'), '')
    await expect(opening(file('alice.asc'), file('empty.asc'))).rejects.toThrow('empty.asc holds no public key')
  })

  it('is none where nobody asked for it', async () => {
    expect(await open({})).toEqual({ policy: { kind: 'any' }, keyring: undefined })
    expect(await open({ packagePolicy: 'any', keyring: ['none.asc'] })).toEqual({
      policy: { kind: 'any' },
      keyring: undefined,
    })
  })
})

describe('its options', () => {
  const read = (flags: Record<string, unknown>, environment: Record<string, string> = {}, text?: string) =>
    readWorkerOptions({
      flags: { queue: 'q', ...flags },
      environment,
      ...(text !== undefined && { file: { path: 'worker.yaml', text } }),
    })
  const signed = { packagePolicy: 'signed', keyring: ['a.asc', 'b.asc'] }

  it.each([
    ['flags', read(signed)],
    ['the environment', read({}, { REPOKEEPER_PACKAGE_POLICY: 'signed', REPOKEEPER_KEYRING: 'a.asc, b.asc' })],
    ['a YAML file', read({}, {}, 'packagePolicy: signed\nkeyring: [a.asc, b.asc]')],
  ])('come from %s', (_, outcome) => {
    expect(outcome).toMatchObject({ kind: 'options', options: signed })
  })

  it.each([
    [{ packagePolicy: 'signed' }, 'packages have to be signed, but by whom? Give the public keys: --keyring FILE'],
    [
      { packagePolicy: 'signed', keyring: '' },
      'packages have to be signed, but by whom? Give the public keys: --keyring FILE',
    ],
    [
      { keyring: 'a.asc' },
      '--keyring verifies nothing without --package-policy signed: say that, or --package-policy any',
    ],
    [{ acceptWeakSignatures: true }, '--accept-weak-signatures means nothing without --package-policy signed'],
  ])('cannot be %j', (flags, problem) => {
    expect(read(flags)).toEqual({ kind: 'problems', problems: [problem] })
  })

  it('may leave a keyring unused where any package is let in on purpose', () => {
    expect(read({ packagePolicy: 'any', keyring: 'a.asc' }).kind).toBe('options')
  })
})
