/**
 * The work of `key rotate`: the key that follows, and who has to do what until when. Nothing is published here: the settings that are printed
 * do that.
 */
import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import {
  armorPublicKeys,
  type CertifiedKey,
  dayOf,
  type KeyPairKind,
  openKeySigner,
  readKeyring,
  reasonAgainst,
  type SignerDescription,
  SigningError,
} from '@repokeeper/signing'
import { fetchSecret } from '@repokeeper/worker/secret-source'
import type { Cli } from './cli.ts'
import type { Connection } from './connection.ts'
import { CommandError, ExitCode } from './failure.ts'
import { showExpiry, showFingerprint } from './key-facts.ts'
import { writeNew } from './key-files.ts'
import { makeKeyFiles } from './key-new.ts'
import { readKeySource } from './key-source.ts'
import { rotationGuide } from './rotation-guide.ts'
import { table } from './text-layout.ts'

export interface RotateSettings {
  /** Source of a key that is there; absent: one is made. */
  readonly nextKey: string | undefined
  /** Of the next key. */
  readonly passphrase: string | undefined
  /** Milliseconds; absent: in 30 days. */
  readonly from: number | undefined
  readonly userId: string | undefined
  readonly kind: KeyPairKind
  readonly expiresAfterDays: number | undefined
  readonly output: string
  readonly json: boolean
}

/** What follows the present key. */
interface NextKey {
  /** As `--sign-next-key` takes it. */
  readonly source: string
  readonly publicKey: string
  readonly describe: SignerDescription
  /** Where both public keys are written. */
  readonly both: string
}

const dayMs = 86_400_000
const noticeDays = 30

/** @returns the exit code */
export async function rotateKey(
  current: string,
  settings: RotateSettings,
  connection: Connection,
  cli: Cli,
): Promise<number> {
  const now = Date.now()
  const file = await readKeySource(current, connection, cli)
  const { keys } = readKeyring([file], now)
  // Of several the newest: older ones are there for what they have signed.
  const [signing] = keys
    .filter((key) => reasonAgainst(key, now) === undefined)
    .toSorted((a, b) => b.created - a.created)
  if (signing === undefined) {
    const message = `${file.name} has no key that signs any more, so none can announce the next: see "repokeeper key new --help"`
    throw new CommandError('NO_KEY', message)
  }
  const from = settings.from ?? Math.ceil(now / dayMs) * dayMs + noticeDays * dayMs
  requireOrder(now, from, signing)
  const { nextKey: taken, expiresAfterDays } = settings
  if (taken === undefined && expiresAfterDays !== undefined) {
    requireLasting('the next key', now + expiresAfterDays * dayMs, from)
  }

  const next = await nextKey({ ...settings, userId: settings.userId ?? signing.userId }, connection, cli)
  if (keys.some(({ primaryFingerprint }) => primaryFingerprint === next.describe.fingerprint)) {
    const message = `${next.source} is one of the keys of ${file.name} already: what follows has to be another one`
    throw new CommandError('SAME_KEY', message)
  }
  const { expires } = next.describe
  if (expires !== undefined) requireLasting(next.source, 1000 * expires, from)
  await writeNew(next.both, `${armorPublicKeys(file)}${next.publicKey}`, 0o644)

  const place = file.isOfRepository ? placeOf(current) : {}
  const present = cli.environment.REPOKEEPER_SIGN_KEY || undefined
  const { passphrase } = settings
  const guide = rotationGuide({
    ...next,
    repository: undefined,
    baseUrl: undefined,
    ...place,
    present,
    passphrase,
    from: showTime(from),
  })
  const { output } = cli
  if (settings.json) {
    const facts = { now: signing.primaryFingerprint, next: next.describe.fingerprint, from: new Date(from) }
    output.printJson({ ...facts, nextKey: next.source, publicKeys: next.both, steps: guide })
  } else {
    for (const line of table(rowsOf(signing, next, from, now))) output.print(line)
    for (const { when, what, lines } of guide) {
      for (const line of ['', `# ${when}: ${what}`, ...lines]) output.print(line)
    }
  }
  return ExitCode.done
}

/** A web server's address is one that clients have, and nobody publishes to. */
function placeOf(current: string): { readonly repository: string } | { readonly baseUrl: string } {
  return /^https?:/i.test(current) ? { baseUrl: current.replace(/\/+$/, '') } : { repository: current }
}

/** @throws CommandError where the first key does not last until the second signs */
function requireOrder(now: number, from: number, { keyId, expires }: CertifiedKey): void {
  if (from <= now) {
    const message = `--from ${showTime(from)} is not ahead: clients need time to learn of the next key, some weeks of it`
    throw new CommandError('TOO_EARLY', message)
  }
  if (expires !== undefined && 1000 * expires <= from) {
    const message = `${keyId} expires on ${dayOf(expires)}, before --from ${showTime(from)}: name an earlier day, or prolong it`
    throw new CommandError('TOO_LATE', message)
  }
}

/** @param expires milliseconds. @throws SigningError UNUSABLE_KEY where a key is over before it signs */
function requireLasting(name: string, expires: number, from: number): void {
  if (expires > from) return
  throw new SigningError('UNUSABLE_KEY', `${name} expires on ${showTime(expires).slice(0, 10)}, before it is to sign`)
}

async function nextKey(
  settings: RotateSettings & { userId: string },
  connection: Connection,
  cli: Cli,
): Promise<NextKey> {
  const { nextKey: source, output } = settings
  if (source === undefined) {
    const { key, paths } = await makeKeyFiles(settings, connection, cli)
    const { publicKey, describe } = key
    const both = paths.publicKey.replace(/\.pub\.asc$/, '.with-previous.asc')
    return { source: paths.privateKey, publicKey, describe, both }
  }
  const isDirectory = output.endsWith('/') || (await stat(output).catch(() => undefined))?.isDirectory() === true
  const both = resolve(isDirectory ? join(output, 'signing-key.with-previous.asc') : output)
  const io = { environment: cli.environment, region: connection.region, profile: connection.profile }
  const key = await fetchSecret(source, 'the next private key', io)
  const secret = settings.passphrase && (await fetchSecret(settings.passphrase, 'the passphrase', io))
  const signer = await openKeySigner({ key, ...(secret ? { passphrase: secret } : {}), now: Date.now })
  return { source, publicKey: signer.publicKey, describe: signer.describe, both }
}

function rowsOf(
  { kind, userId, primaryFingerprint, expires }: CertifiedKey,
  next: NextKey,
  from: number,
  now: number,
): string[][] {
  const { describe } = next
  return [
    ['signs now', kind, showFingerprint(primaryFingerprint), showExpiry(expires, now), userId],
    [
      `from ${showTime(from)}`,
      describe.kind,
      showFingerprint(describe.fingerprint),
      showExpiry(describe.expires, now),
      describe.userId,
    ],
  ]
}

/** As `--sign-next-from` reads it. */
function showTime(time: number): string {
  return new Date(time)
    .toISOString()
    .replace(/T00:00:00\.000Z$/, '')
    .replace(/\.000Z$/, 'Z')
}
