/**
 * Commands that a person is told to say next: with the options that this one was given, since without them they go elsewhere, or fail.
 */
import { readSignature } from '@repokeeper/repository'
import type { Connection } from './connection.ts'
import type { OpenRepository } from './open-repository.ts'
import { shellWord } from './shell-word.ts'

/** What the options have said. */
export type Said = Pick<
  Connection,
  'endpointUrl' | 'region' | 'profile' | 'singleWriter' | 'documents' | 'signing' | 'packagePolicy'
>

/** Commands that publish: whether they let packages in, too. Whatever is not here publishes nothing. */
const publishing: Readonly<Record<string, 'metadata' | 'packages'>> = {
  init: 'metadata',
  worker: 'metadata',
  audit: 'packages',
  rebuild: 'packages',
}

/** @param words behind the program's name, the command first */
export function commandToCopy(words: readonly string[], said: Said): string {
  const publishes = publishing[words[0] ?? '']
  const options = [
    ...placeOptions(said),
    ...(publishes === undefined ? [] : publishingOptions(said)),
    ...(publishes === 'packages' ? policyOptions(said, words.includes('--signatures')) : []),
  ]
  return ['repokeeper', ...words, ...options].map(shellWord).join(' ')
}

/** Of the aws command they are the same. */
export function placeOptions({ endpointUrl, region, profile }: Said): string[] {
  return valued({ 'endpoint-url': endpointUrl, region, profile })
}

/**
 * What a command that publishes needs besides: the key of a repository that is signed, where nobody has named one. It is the person's to put
 * in the place of KEY.
 */
export async function keyToName(
  { location, context }: OpenRepository,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<readonly string[]> {
  const { REPOKEEPER_SIGN_KEY, REPOKEEPER_SIGN_COMMAND, REPOKEEPER_UNSIGNED } = environment
  const isSaid = [REPOKEEPER_SIGN_KEY, REPOKEEPER_SIGN_COMMAND, REPOKEEPER_UNSIGNED].some(Boolean)
  if (isSaid || context().signing.kind !== 'unsaid') return []
  // Who may not look does not know, and is told by the command itself.
  const signature = await readSignature(location, context()).catch(() => undefined)
  return signature === undefined ? [] : ['--sign-key', 'KEY']
}

/** For those who read of KEY. */
export const whatKeyIs = 'KEY is what signs it: a file, env:VARIABLE, secretsmanager:SECRET or ssm:PARAMETER'

function publishingOptions({ singleWriter, documents, signing }: Said): string[] {
  const { compression, openChecksum } = documents
  return [
    ...(singleWriter ? ['--single-writer'] : []),
    ...valued({ compression, 'open-checksum': openChecksum === 'auto' ? undefined : openChecksum }),
    ...valued({
      ...{ 'sign-key': signing?.signKey, 'sign-passphrase': signing?.signPassphrase },
      ...{ 'sign-command': signing?.signCommand, 'sign-public-key': signing?.signPublicKey },
      ...{ 'sign-next-key': signing?.signNextKey, 'sign-next-command': signing?.signNextCommand },
      ...{ 'sign-next-public-key': signing?.signNextPublicKey, 'sign-next-from': signing?.signNextFrom },
    }),
    ...(signing?.unsigned === true ? ['--unsigned'] : []),
  ]
}

/** @param isMeant the command looks at signatures: that they have to be right goes without saying */
function policyOptions({ packagePolicy: settings }: Said, isMeant: boolean): string[] {
  const { packagePolicy, keyring = [], acceptWeakSignatures = false } = settings ?? {}
  return [
    ...valued({ 'package-policy': isMeant ? undefined : packagePolicy }),
    ...keyring.flatMap((source) => valued({ keyring: source })),
    ...(acceptWeakSignatures ? ['--accept-weak-signatures'] : []),
  ]
}

function valued(options: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value]))
}
