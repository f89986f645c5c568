import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { chooseRegion, type RegionSources } from '../src/region.ts'
import { openS3Bucket } from '../src/s3-bucket.ts'

const nowhere: RegionSources = {
  said: undefined,
  environment: {},
  ofProfile: () => Promise.reject(new Error('Region is missing')),
  hasEndpoint: async () => false,
}
const everywhere: RegionSources = {
  said: 'said-1',
  environment: { AWS_REGION: 'region-1', AWS_DEFAULT_REGION: 'default-1' },
  ofProfile: async () => 'profile-1',
  hasEndpoint: async () => true,
}

describe('the region', () => {
  it.each<[string, Partial<RegionSources>, string | undefined]>([
    ['the option', {}, 'said-1'],
    ['AWS_REGION', { said: undefined }, 'region-1'],
    ['AWS_DEFAULT_REGION', { said: '', environment: { AWS_REGION: '', AWS_DEFAULT_REGION: 'default-1' } }, 'default-1'],
    ['the profile', { said: undefined, environment: {} }, 'profile-1'],
    ['any, at an endpoint', { ...nowhere, hasEndpoint: async () => true }, 'us-east-1'],
    ['none, and nothing is guessed', nowhere, undefined],
    ['none where the profile has an empty one', { ...nowhere, ofProfile: async () => '' }, undefined],
  ])('is that of %s', async (_, sources, region) => {
    expect(await chooseRegion({ ...everywhere, ...sources })).toBe(region)
  })
})

describe('a bucket', () => {
  let directory = ''
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'repokeeper-region-'))
    for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_S3', 'AWS_PROFILE']) {
      vi.stubEnv(name, undefined)
    }
  })
  afterEach(async () => {
    vi.unstubAllEnvs()
    await rm(directory, { recursive: true })
  })

  it.each([
    ['region = eu-profile-1', 'eu-profile-1'],
    ['endpoint_url = http://127.0.0.1:1', 'us-east-1'],
  ])('takes from the profile %s', async (line, region) => {
    await configure(line)
    const bucket = await openS3Bucket({ bucket: 'any' })
    expect(bucket.region).toBe(region)
    bucket.close()
  })

  it('is in the region of AWS_DEFAULT_REGION before that of the profile, as the aws command has it', async () => {
    await configure('region = eu-profile-2')
    vi.stubEnv('AWS_DEFAULT_REGION', 'eu-default-1')
    const bucket = await openS3Bucket({ bucket: 'any' })
    expect(bucket.region).toBe('eu-default-1')
    bucket.close()
  })

  it('of which nothing says the region is not looked for', async () => {
    await configure('output = json')
    await expect(openS3Bucket({ bucket: 'any' })).rejects.toMatchObject({
      name: 'StoreError',
      code: 'NO_REGION',
      message: expect.stringMatching(/^s3:\/\/any: no AWS region is set: say --region, or set AWS_REGION/),
    })
  })

  /** A file of its own each time: the SDK reads none twice. */
  async function configure(line: string): Promise<void> {
    const file = join(directory, 'config')
    await writeFile(file, `[default]\n${line}\n`)
    vi.stubEnv('AWS_CONFIG_FILE', file)
  }
})
