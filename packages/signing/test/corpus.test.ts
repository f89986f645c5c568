/** Real packages of many distributions and years: without their keys, what they are signed with is what rpmkeys says. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parsePackage } from '@repokeeper/rpm-parser'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeWithClients } from '../../../fixtures/describe-with-clients.ts'
import { GpgHome } from '../../../fixtures/gpg-home.ts'
import { type RpmFindings, RpmKeys } from '../../../fixtures/rpm-programs.ts'
import { readKeyring, verifyPackage } from '../src/index.ts'

/** Beside the checkout, and no part of this project. */
const corpus = new URL('../../../../shared/corpus/', import.meta.url)
const names = existsSync(corpus) ? readdirSync(corpus).filter((name) => name.endsWith('.rpm')) : []

describeWithClients(['gpg', 'rpmkeys'], 'a real package', () => {
  if (names.length === 0) return test.skip('there is no corpus of packages beside the checkout')
  let home: GpgHome
  let keyring: ReturnType<typeof readKeyring>
  let theirs: readonly RpmFindings[]
  beforeAll(async () => {
    home = await GpgHome.open()
    const fingerprint = await home.makeKey({ userId: 'nobody <nobody@example.com>', kind: 'ed25519' })
    const key = await home.exportPublic(fingerprint)
    const rpmKeys = await RpmKeys.open(home, [key])
    keyring = readKeyring([{ name: 'nobody', bytes: Buffer.from(key) }], Date.now())
    theirs = await rpmKeys.findings(names.map((name) => fileURLToPath(new URL(name, corpus))))
    expect(theirs).toHaveLength(names.length)
  })
  afterAll(() => home.close())

  test.each(names.map((name, index) => ({ name, index })))('$name', async ({ name, index }) => {
    const bytes = Uint8Array.from(readFileSync(new URL(name, corpus)))
    const { lines, signatures } = theirs[index] ?? { lines: [], signatures: [] }
    const unread = await verifyPackage(bytes, undefined, { keyring, now: Date.now() })
    if (unread.kind === 'refused' && unread.code === 'UNREADABLE') return expect(lines).toEqual([])

    const rpm = parsePackage(bytes)
    const whole = (async function* () {
      yield bytes.subarray(rpm.headerRange.end)
    })()
    const ours = await verifyPackage(bytes, whole, { keyring, now: Date.now() })
    // rpm 4 knows nothing of the v6 tag; rpm 6 passes over signatures for older rpm in v6 packages.
    const legacy = ours.signatures.filter(({ tag }) => tag !== 'OPENPGP')
    const known = signatures.filter(({ covers }) => rpm.format !== 6 || covers === 'header')
    const named: Readonly<Record<string, string>> = { 'unknown-key': 'NOKEY', bad: 'BAD', unsupported: 'BAD' }
    const asTheySay = legacy.map(({ covers, status, keyId = '' }) => {
      return { covers, status: named[status], keyId: keyId.slice(-8) }
    })
    expect(asTheySay).toEqual(known.toSorted((a, b) => a.covers.length - b.covers.length))
    const badDigests = ours.digests.filter(({ status }) => status === 'bad').length
    expect(badDigests).toBe(lines.filter((line) => /digest: BAD/.test(line)).length)
  })
})
