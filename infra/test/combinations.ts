import { evaluate, type ParameterValues, type Stack } from './evaluate.ts'
import { readTemplate, type TemplateName } from './template.ts'

type Choices = Readonly<Record<string, readonly (string | number | readonly string[])[]>>

const topic = 'arn:aws:sns:eu-central-1:123456789012:alarms'
export const keyArn = 'arn:aws:kms:eu-central-1:123456789012:key/12345678-1234-1234-1234-123456789012'

/** Of the keys that sign and verify. */
export const keyStoreKeyArn = keyArn.replace('12345678-', '87654321-')

function secretArn(name: string): string {
  return `arn:aws:secretsmanager:eu-central-1:123456789012:secret:repokeeper/${name}-AbCdEf`
}

function parameterArn(name: string): string {
  return `arn:aws:ssm:eu-central-1:123456789012:parameter/repokeeper/${name}`
}

const kept = { BucketName: ['my-packages'], Prefix: ['', 'el9/'], Name: ['repo'], KmsKeyArn: ['', keyArn] }
const network = { VpcId: ['vpc-1'], SubnetIds: [['subnet-1', 'subnet-2']] }
const named = { Repositories: ['', 's3://my-packages/el9/x86_64,s3://my-packages/fedora/*'] }

/** Ways to sign, and to let packages in: each beside the first of everything else, for nothing else hangs on them. */
const keyCases: readonly ParameterValues[] = [
  { SigningKeyArn: secretArn('signing-key') },
  {
    SigningKeyArn: secretArn('signing-key'),
    SigningPassphraseArn: secretArn('passphrase'),
    NextSigningKeyArn: secretArn('next-key'),
    NextSigningFrom: '2027-01-31',
    KeyringArn: secretArn('keyring'),
    KeyStoreKmsKeyArn: keyStoreKeyArn,
  },
  { KeyStore: 'ssm', SigningKeyArn: parameterArn('signing-key'), KeyringArn: parameterArn('keyring') },
  { KeyringArn: secretArn('keyring'), KeyStoreKmsKeyArn: keyStoreKeyArn },
  { KeyStoreKmsKeyArn: keyStoreKeyArn },
]
const withKeys: readonly TemplateName[] = ['workers', 'workers-ec2', 'lambda']

/** Of each template every parameter that a condition or a policy hangs on, with a value for each way it can go. */
const choices: Readonly<Record<TemplateName, Choices>> = {
  repository: {
    ...kept,
    Versioning: ['yes', 'no'],
    Access: ['private', 'public', 'website', 'cloudfront'],
    DomainName: ['', 'rpms.example.org'],
    CertificateArn: ['', 'arn:aws:acm:us-east-1:123456789012:certificate/1-2'],
    AlarmTopicArn: ['', topic],
    Heartbeats: ['yes', 'no'],
  },
  workers: {
    ...kept,
    ...named,
    ...network,
    Image: ['registry.example.org/repokeeper:1'],
    ImageRepositoryArn: ['', 'arn:aws:ecr:eu-central-1:123456789012:repository/repokeeper'],
    GraceSeconds: ['25', '60', '95'],
  },
  'workers-ec2': {
    ...kept,
    ...named,
    ...network,
    CodeBucket: ['my-code'],
    CodeKey: ['repokeeper-1.tar.gz'],
  },
  lambda: {
    ...kept,
    ...named,
    CodeBucket: ['my-code'],
    CodeKey: ['lambda-1.zip'],
    AlarmTopicArn: ['', topic],
  },
  'repo-server': {
    ...network,
    BucketName: ['my-packages'],
    BucketRegion: ['eu-west-1'],
    Directory: ['el9/x86_64'],
    KmsKeyArn: ['', keyArn],
    PublicKeyParameter: ['', '/repokeeper/public-key'],
    CodeBucket: ['my-code'],
    CodeKey: ['repokeeper-1.tar.gz'],
    CertificateArn: ['', 'arn:aws:acm:eu-central-1:123456789012:certificate/1-2'],
  },
  publisher: { ...kept, Name: [], Subject: ['repo:org/name:ref:refs/heads/main'] },
}

export interface Combination {
  readonly parameters: ParameterValues
  readonly stack: Stack
}

/** The stacks that a template can be, each of them once; without what its rules forbid. */
export function combinationsOf(name: TemplateName): Combination[] {
  const template = readTemplate(name)
  const product = productOf(Object.entries(choices[name]).filter(([, values]) => values.length > 0))
  const cases = withKeys.includes(name) ? keyCases.map((keys) => ({ ...product[0], ...keys })) : []
  return [...product, ...cases].flatMap((parameters) => {
    const stack = evaluate(template, parameters)
    return stack === undefined ? [] : [{ parameters, stack }]
  })
}

function productOf([first, ...rest]: readonly (readonly [string, Choices[string]])[]): ParameterValues[] {
  if (first === undefined) return [{}]
  const [name, values] = first
  const others = productOf(rest)
  return values.flatMap((value) => others.map((other) => ({ ...other, [name]: value })))
}
