/**
 * What `doctor` says of the signature: whether there is one, by whom, and whether clients that take the key that lies beside it are content.
 */
import { readPublicKey, readRepomd, readSignature } from '@repokeeper/repository'
import { type CertifiedKey, isGoodDetached, type Keyring, readKeyring, verifyDetached } from '@repokeeper/signing'
import { whatKeyIs } from './command-to-copy.ts'
import type { Finding, OnFinding } from './finding.ts'
import { showExpiry, showFingerprint, warningsOf } from './key-facts.ts'
import type { OpenRepository } from './open-repository.ts'

/** What is wrong between the swap of repomd.xml and that of its signature is right a moment later. */
const attemptsMax = 3
const pauseMs = 1_000

export async function examineSignature(repository: OpenRepository, onFinding: OnFinding): Promise<void> {
  const context = repository.context()
  for (let attempt = 1; ; attempt += 1) {
    const finding = await look(repository, Date.now())
    if (finding.verdict !== 'problem' || attempt === attemptsMax) return onFinding({ check: 'signature', ...finding })
    await context.sleep(pauseMs, context.signal)
  }
}

type Look = Omit<Finding, 'check'>

async function look({ location, name, toCopy, ...repository }: OpenRepository, now: number): Promise<Look> {
  const context = repository.context()
  const { stored } = await readRepomd(location, context)
  const signature = await readSignature(location, context)
  if (stored?.bytes === undefined || signature === undefined) return { verdict: 'ok', message: 'not signed' }
  const key = await readPublicKey(location, context)
  if (key === undefined) {
    const message = 'signed, and repodata/repomd.xml.key is not there: clients need the key from somewhere else'
    const remedy = `"${toCopy('verify', name, '--key', 'FILE')}" checks it; the next publish with a key puts it there`
    return { verdict: 'warning', message, remedy }
  }
  const keyring = readKeyring([{ name: 'repodata/repomd.xml.key', bytes: key }], now)
  const findings = verifyDetached(stored.bytes, signature.bytes, { keyring, now })
  if (isGoodDetached(findings)) {
    const signing = keyring.find(findings[0].keyId ?? '')[0]
    return signing === undefined ? { verdict: 'ok', message: 'right' } : describe(signing, keyring, now)
  }
  const message = `the signature is wrong: ${findings.map(({ sentence }) => sentence).join('; ')}: clients with repo_gpgcheck=1 fail`
  return {
    verdict: 'problem',
    message,
    remedy: `"${toCopy('audit', name, '--repair', '--sign-key', 'KEY')}" signs it anew (${whatKeyIs})`,
  }
}

function describe(key: CertifiedKey, keyring: Keyring, now: number): Look {
  const { kind, userId, primaryFingerprint, expires } = key
  const message = `right, by ${userId} (${kind}, ${showFingerprint(primaryFingerprint)}), whose key ${showExpiry(expires, now)}`
  const primary = keyring.find(primaryFingerprint).find(({ isPrimary }) => isPrimary) ?? key
  const [warning] = warningsOf(primary, keyring.keys, now)
  return warning === undefined ? { verdict: 'ok', message } : { verdict: 'warning', message, remedy: warning }
}
