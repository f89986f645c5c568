import { describeWorkerOptions, readWorkerOptions, type WorkerOptions } from '@repokeeper/worker'
import { expect } from 'vitest'
import type { ParameterValues } from './evaluate.ts'

/** Variables of the worker's process that its options don't have. */
const beside = ['REPOKEEPER_CACHE_DIR']
/** Of AWS's SDK. */
const ofAws = ['AWS_REGION']

/** The options that a worker with this environment has. Fails where it has others than a worker knows, or where they don't do. */
export function optionsOf(environment: Readonly<Record<string, string>>): WorkerOptions {
  const known = new Set([...describeWorkerOptions().map((option) => option.environment), ...beside, ...ofAws])
  expect(Object.keys(environment).filter((name) => !known.has(name))).toEqual([])
  const outcome = readWorkerOptions({ flags: {}, environment })
  if (outcome.kind === 'problems') throw new Error(outcome.problems.join('\n'))
  return outcome.options
}

/** A worker is told of the keys that the parameters of a template name, where they lie, and of no other. */
export function expectKeys(options: WorkerOptions, parameters: ParameterValues): void {
  const { KeyStore = 'secretsmanager', NextSigningFrom: signNextFrom, KeyringArn } = parameters
  const sourceOf = (name: string) => (parameters[name] === undefined ? undefined : `${KeyStore}:${parameters[name]}`)
  const { signKey, signPassphrase, signNextKey, packagePolicy, keyring } = options
  expect({ signKey, signPassphrase, signNextKey, signNextFrom: options.signNextFrom, packagePolicy, keyring }).toEqual({
    signKey: sourceOf('SigningKeyArn'),
    signPassphrase: sourceOf('SigningPassphraseArn'),
    signNextKey: sourceOf('NextSigningKeyArn'),
    signNextFrom,
    packagePolicy: KeyringArn === undefined ? undefined : 'signed',
    keyring: KeyringArn === undefined ? undefined : [sourceOf('KeyringArn')],
  })
}
