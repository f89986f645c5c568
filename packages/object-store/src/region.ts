/**
 * Which AWS region is meant: one rule for S3 and SQS, and the one that the aws command has.
 */

/** Where a region may be said, the first one first. Empty says nothing. */
export interface RegionSources {
  /** An option of whoever calls. */
  readonly said: string | undefined
  readonly environment: Readonly<Record<string, string | undefined>>
  /** As the SDK finds it, who knows profiles; rejects where there is none. */
  readonly ofProfile: () => Promise<string>
  /** Whether requests go to another server than Amazon's. */
  readonly hasEndpoint: () => Promise<boolean>
}

/** Servers other than Amazon's take any; the signature has to name one. */
const regionElsewhere = 'us-east-1'

/** For people: what to do where `chooseRegion` finds none. */
export const setRegion = 'say --region, or set AWS_REGION, AWS_DEFAULT_REGION or the region of the profile'

/** @returns `undefined` where nothing says it: one that is guessed is the wrong one, and says so only as a host that is not found */
export async function chooseRegion(sources: RegionSources): Promise<string | undefined> {
  const { said, environment, ofProfile, hasEndpoint } = sources
  // AWS, "Configuration settings precedence" of the command line interface: a variable goes before a profile, also one that was named.
  const known = said || environment.AWS_REGION || environment.AWS_DEFAULT_REGION
  if (known) return known
  const inProfile = await ofProfile().catch(() => '')
  if (inProfile !== '') return inProfile
  return (await hasEndpoint()) ? regionElsewhere : undefined
}
