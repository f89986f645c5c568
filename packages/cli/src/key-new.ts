/**
 * The work of `key new`: a key, its files, and what to do with them.
 */
import { type KeyPairKind, makeKey, type NewKey, readPassphrase, SigningError } from '@repokeeper/signing'
import { fetchSecret } from '@repokeeper/worker/secret-source'
import type { Cli } from './cli.ts'
import type { Connection } from './connection.ts'
import { ExitCode } from './failure.ts'
import { showExpiry, showFingerprint } from './key-facts.ts'
import { type KeyPaths, planKeyFiles, writeKeyFiles } from './key-files.ts'
import { shellWord } from './shell-word.ts'
import { table } from './text-layout.ts'

export interface NewKeySettings {
  readonly userId: string
  readonly kind: KeyPairKind
  readonly expiresAfterDays: number | undefined
  /** Source of it. */
  readonly passphrase: string | undefined
  readonly output: string
}

/** @returns the exit code */
export async function makeNewKey(
  settings: NewKeySettings & { readonly json: boolean },
  connection: Connection,
  cli: Cli,
): Promise<number> {
  const { output } = cli
  const { key, paths } = await makeKeyFiles(settings, connection, cli)
  if (settings.json) output.printJson({ ...factsOfNew(key), files: paths })
  else {
    for (const line of describeNew(key, paths)) output.print(line)
    for (const line of nextSteps(paths, settings)) output.print(line)
  }
  return ExitCode.done
}

/** @throws CommandError EXISTS, SigningError */
export async function makeKeyFiles(
  { output, userId, kind, expiresAfterDays, passphrase: source }: NewKeySettings,
  { region, profile }: Connection,
  { environment }: Cli,
): Promise<{ readonly key: NewKey; readonly paths: KeyPaths }> {
  const paths = await planKeyFiles(output)
  const secret = source && (await fetchSecret(source, 'the passphrase', { environment, region, profile }))
  const passphrase = secret ? await readPassphrase(secret) : undefined
  if (passphrase === '') throw new SigningError('BAD_PASSPHRASE', `the passphrase ${source} is empty`)
  const key = await makeKey({
    userId,
    kind,
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(expiresAfterDays === undefined ? {} : { expiresAfterDays }),
    now: Date.now(),
  })
  await writeKeyFiles(paths, key)
  return { key, paths }
}

export function factsOfNew({ describe: { fingerprint, keyId, kind, userId, expires } }: NewKey) {
  return { fingerprint, keyId, kind, userId, expires: expires === undefined ? null : new Date(1000 * expires) }
}

export function describeNew({ describe }: NewKey, { privateKey, publicKey, revocation }: KeyPaths): string[] {
  const { fingerprint, kind, userId, expires } = describe
  return table([
    ['made', `${kind} key of ${userId}, ${showExpiry(expires, Date.now())}`],
    ['fingerprint', showFingerprint(fingerprint)],
    ['private key', `${privateKey} (mode 0600; keep a copy where nothing else is)`],
    ['public key', publicKey],
    [
      'revocation',
      `${revocation} (keep it elsewhere: published, it tells that the key is not to be believed any more)`,
    ],
  ])
}

/** Which options and settings a key that is made goes into. */
function nextSteps({ privateKey }: KeyPaths, { passphrase }: NewKeySettings): string[] {
  const protectedBy = passphrase === undefined ? '' : ` --sign-passphrase ${shellWord(passphrase)}`
  return [
    '',
    '# Every worker of the repository, and every command that publishes',
    `repokeeper worker -q QUEUE --sign-key ${shellWord(privateKey)}${protectedBy}`,
    `repokeeper audit REPO --repair --sign-key ${shellWord(privateKey)}${protectedBy}     # signs what is published now`,
    '',
    '# In the .repo file of the clients, once it is signed',
    'repo_gpgcheck=1',
    'gpgkey=BASEURL/repodata/repomd.xml.key',
  ]
}
