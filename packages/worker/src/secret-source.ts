/**
 * Where a key or a passphrase comes from: a file, an environment variable, AWS Secrets Manager, or the parameter store of AWS Systems Manager.
 */
import { SigningError } from '@repokeeper/signing'

/** As `--sign-key` takes it. */
export type SecretSource =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'environment'; readonly variable: string }
  /** Its name or ARN. */
  | { readonly kind: 'secrets-manager'; readonly id: string }
  /** Its name, beginning with a slash where it has a path; a SecureString is decrypted. */
  | { readonly kind: 'parameter-store'; readonly name: string }

export interface SecretIo {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly region?: string | undefined
  readonly profile?: string | undefined
}

/** `env:NAME`, `secretsmanager:ID`, `ssm:NAME`; anything else is a path. */
export function parseSecretSource(text: string): SecretSource {
  const [, scheme, rest = ''] = /^(env|secretsmanager|ssm):(.+)$/s.exec(text) ?? []
  if (scheme === 'env') return { kind: 'environment', variable: rest }
  if (scheme === 'secretsmanager') return { kind: 'secrets-manager', id: rest }
  if (scheme === 'ssm') return { kind: 'parameter-store', name: rest }
  return { kind: 'file', path: text }
}

/**
 * @param what for messages: `the private key`
 * @returns a file to be read by whoever takes files, or the text itself
 * @throws SigningError BAD_KEY
 */
export async function fetchSecret(
  text: string,
  what: string,
  io: SecretIo,
): Promise<{ readonly file: string } | { readonly text: string }> {
  if (text.includes('-----BEGIN') || /[\r\n]/.test(text)) {
    // Not quoted: it may be the secret itself.
    const message = `${what} was given itself, where the place is wanted that it lies at: a file, env:VARIABLE, secretsmanager:SECRET or ssm:PARAMETER`
    throw new SigningError('BAD_KEY', message)
  }
  const source = parseSecretSource(text)
  switch (source.kind) {
    case 'file':
      return { file: source.path }
    case 'environment': {
      const value = io.environment[source.variable]
      if (value === undefined || value === '') {
        throw new SigningError('BAD_KEY', `${what} is to be in the variable ${source.variable}, which is not set`)
      }
      return { text: value }
    }
    case 'secrets-manager':
      return { text: await ask(`${what} ${text}`, () => fromSecretsManager(source.id, io)) }
    case 'parameter-store':
      return { text: await ask(`${what} ${text}`, () => fromParameterStore(source.name, io)) }
  }
}

/** AWS, Secrets Manager, GetSecretValue. Needs secretsmanager:GetSecretValue, and kms:Decrypt where the secret has a key of its own. */
async function fromSecretsManager(id: string, io: SecretIo): Promise<string | undefined> {
  const { GetSecretValueCommand, SecretsManagerClient } = await import('@aws-sdk/client-secrets-manager')
  // The region of a secret that is named by its ARN is in it.
  const [, region] = /^arn:[^:]+:secretsmanager:([^:]+):/.exec(id) ?? []
  const client = new SecretsManagerClient(clientOptions({ ...io, region: region ?? io.region }))
  try {
    const { SecretString, SecretBinary } = await client.send(new GetSecretValueCommand({ SecretId: id }))
    return SecretString ?? (SecretBinary && Buffer.from(SecretBinary).toString('utf8'))
  } finally {
    client.destroy()
  }
}

/** AWS, Systems Manager, GetParameter. Needs ssm:GetParameter, and kms:Decrypt where the parameter has a key of its own. */
async function fromParameterStore(name: string, io: SecretIo): Promise<string | undefined> {
  const { GetParameterCommand, SSMClient } = await import('@aws-sdk/client-ssm')
  const [, region] = /^arn:[^:]+:ssm:([^:]+):/.exec(name) ?? []
  const client = new SSMClient(clientOptions({ ...io, region: region ?? io.region }))
  try {
    const { Parameter } = await client.send(new GetParameterCommand({ Name: name, WithDecryption: true }))
    return Parameter?.Value
  } finally {
    client.destroy()
  }
}

function clientOptions({ region, profile }: SecretIo) {
  return { ...(region === undefined ? {} : { region }), ...(profile === undefined ? {} : { profile }), logger: silent }
}

async function ask(subject: string, get: () => Promise<string | undefined>): Promise<string> {
  const value = await get().catch((error: unknown) => {
    const said = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    throw new SigningError('BAD_KEY', `${subject} cannot be had: ${said}`)
  })
  if (value !== undefined && value !== '') return value
  throw new SigningError('BAD_KEY', `${subject} is empty`)
}

const silent = { trace: () => {}, debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
