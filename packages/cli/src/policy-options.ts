/**
 * The options of the commands that let packages in, and what they say of it.
 */
import { type PackagePolicySettings, wrongPackagePolicy } from '@repokeeper/worker/package-policy'
import { type Command, Option } from 'commander'
import * as z from 'zod'
import { UsageError } from './failure.ts'
import { gather } from './repeated-option.ts'

const policies = ['any', 'signed'] as const

export function definePolicyOptions(command: Command): Command {
  return command
    .optionsGroup('Options of the policy for packages:')
    .addOption(
      new Option(
        '--package-policy <policy>',
        'which packages are let into the metadata: any, which holds where nothing is said, or those signed by a key of the keyring; also $REPOKEEPER_PACKAGE_POLICY',
      ).choices(policies),
    )
    .option(
      '--keyring <source>',
      'public keys whose signatures count, one or several: a file, or env:VARIABLE, secretsmanager:SECRET, ssm:PARAMETER; may be given several times; also $REPOKEEPER_KEYRING, separated by commas',
      gather,
    )
    .option(
      '--accept-weak-signatures',
      'believe SHA-1, MD5 and keys below 2048 bits, too: for packages of old distributions; also $REPOKEEPER_ACCEPT_WEAK_SIGNATURES',
    )
}

/** What the options say, else the environment. @throws UsageError */
export function readPackagePolicy(
  values: unknown,
  environment: Readonly<Record<string, string | undefined>>,
): PackagePolicySettings {
  const flags = Flags.parse(values)
  const { REPOKEEPER_PACKAGE_POLICY, REPOKEEPER_ACCEPT_WEAK_SIGNATURES } = environment
  const settings: PackagePolicySettings = {
    packagePolicy: flags.packagePolicy ?? policyIn(REPOKEEPER_PACKAGE_POLICY || undefined),
    keyring: flags.keyring ?? keyringIn(environment),
    acceptWeakSignatures:
      flags.acceptWeakSignatures || /^(1|true|yes|on)$/i.test(REPOKEEPER_ACCEPT_WEAK_SIGNATURES ?? ''),
  }
  const wrong = wrongPackagePolicy(settings)
  if (wrong !== undefined) throw new UsageError(wrong)
  return settings
}

function policyIn(text: string | undefined): (typeof policies)[number] | undefined {
  const policy = z.enum(policies).optional().safeParse(text)
  if (policy.success) return policy.data
  throw new UsageError(`REPOKEEPER_PACKAGE_POLICY is ${text}: expected one of ${policies.join(', ')}`)
}

/** The sources that the environment names. */
export function keyringIn({
  REPOKEEPER_KEYRING = '',
}: Readonly<Record<string, string | undefined>>): readonly string[] {
  return REPOKEEPER_KEYRING.split(',')
    .map((source) => source.trim())
    .filter((source) => source !== '')
}

const Flags = z.object({
  packagePolicy: z.enum(policies).optional(),
  keyring: z.array(z.string().min(1)).optional(),
  acceptWeakSignatures: z.boolean().default(false),
})
