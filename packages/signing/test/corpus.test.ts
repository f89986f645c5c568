/** Real packages of many distributions and years: without their keys, what they are signed with is what rpmkeys says. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeWithClients } from '../../../fixtures/describe-with-clients.ts'
import { readKeyring, verifyPackage } from '../src/index.ts'
import { bodyOf } from './change-package.ts'
import { GpgHome } from './gpg-home.ts'
import { RpmKeys } from './rpm-programs.ts'

/** Beside the checkout, and no part of this project. */
const corpus = new URL('../../../../shared/corpus/', import.meta.url)
const names = existsSync(corpus) ? readdirSync(corpus).filter((name) => name.endsWith('.rpm')) : []

describeWithClients(['gpg', 'rpmkeys'], 'a real package', () => {
  if (names.length === 0) return test.skip('there is no corpus of packages beside the checkout')
  let home: GpgHome
  let rpmKeys: RpmKeys
  let keyring: ReturnType<typeof readKeyring>
  beforeAll(async () => {
    home = await GpgHome.open()
    const fingerprint = await home.makeKey({ userId: 'nobody <nobody@example.com>', kind: 'ed25519' })
    const key = await home.exportPublic(fingerprint)
    rpmKeys = await RpmKeys.open(home, [key])
    keyring = readKeyring([{ name: 'nobody', bytes: Buffer.from(key) }], Date.now())
  })
  afterAll(() => home.close())

  test.each(names)('%s', async (name) => {
    const bytes = Uint8Array.from(readFileSync(new URL(name, corpus)))
    const theirs = await rpmKeys.check(bytes)
    const whole = (async function* () {
      yield bodyOf(bytes).payload
    })()
    const ours = await verifyPackage(bytes, whole, { keyring, now: Date.now() })
    if (ours.kind === 'refused' && ours.code === 'UNREADABLE') return expect(theirs.isAccepted).toBe(false)
    // rpm 4 knows nothing of the v6 tag.
    const legacy = ours.signatures.filter(({ tag }) => tag !== 'OPENPGP')
    const named: Readonly<Record<string, string>> = { 'unknown-key': 'NOKEY', bad: 'BAD', unsupported: 'BAD' }
    expect(
      legacy.map(({ covers, status, keyId = '' }) => ({ covers, status: named[status], keyId: keyId.slice(-8) })),
    ).toEqual(theirs.signatures.toSorted((a, b) => a.covers.length - b.covers.length))
    const badDigests = ours.digests.filter(({ status }) => status === 'bad').length
    expect(badDigests).toBe(theirs.lines.filter((line) => /digest: BAD/.test(line)).length)
  })
})
