import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { endpointProblem, findEndpoint, openS3Bucket, openStore } from '../src/index.ts'

const variables = ['AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_S3', 'AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_PROFILE']
beforeEach(() => {
  for (const name of variables) vi.stubEnv(name, '')
  vi.stubEnv('AWS_CONFIG_FILE', '/dev/null')
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/dev/null')
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
})
afterEach(() => vi.unstubAllEnvs())

it.each([
  ['http://store:9000', undefined],
  ['https://store', undefined],
  ['store:9000', '"store:9000", which is no http:// or https:// URL: write http://store:9000 or https://store:9000'],
  [
    '127.0.0.1:9000',
    '"127.0.0.1:9000", which is no http:// or https:// URL: write http://127.0.0.1:9000 or https://127',
  ],
  ['s3://store', '"s3://store", which is no http:// or https:// URL: write http://HOST:PORT or https://HOST'],
  ['me:secret@store:9000', '"store:9000", which is no http:// or https:// URL: write http://store:9000'],
  ['ftp://me:secret@store', '"ftp://store", which is no http:// or https:// URL: write http://HOST:PORT'],
])('%s is judged, without what nobody may read', (url, problem) => {
  const said = endpointProblem({ url, from: 'AWS_ENDPOINT_URL' })
  if (problem === undefined) expect(said).toBeUndefined()
  else expect(said).toContain(`AWS_ENDPOINT_URL is ${problem}`)
})

it('is known with who says it: an option before the variable of the service, and that before the variable of all', () => {
  const environment = {
    AWS_ENDPOINT_URL: 'http://all',
    AWS_ENDPOINT_URL_SQS: 'http://sqs',
    REPOKEEPER_ENDPOINT_URL: 'http://own',
  }
  expect(findEndpoint('S3', 'http://x', environment)).toEqual({ url: 'http://x', from: '--endpoint-url' })
  expect(findEndpoint('S3', 'http://own', environment)).toEqual({ url: 'http://own', from: 'REPOKEEPER_ENDPOINT_URL' })
  expect(findEndpoint('S3', undefined, environment)).toEqual({ url: 'http://all', from: 'AWS_ENDPOINT_URL' })
  expect(findEndpoint('SQS', undefined, environment)).toEqual({ url: 'http://sqs', from: 'AWS_ENDPOINT_URL_SQS' })
  expect(findEndpoint('S3', undefined, { AWS_ENDPOINT_URL: '' })).toBeUndefined()
})

describe('a store that cannot be reached', () => {
  const credentials = { accessKeyId: 'key', secretAccessKey: 'secret' }
  const head = async (region: string) => {
    const store = openStore(
      { kind: 's3', bucket: 'repokeeper-nowhere', prefix: '' },
      { credentials, region, maxAttempts: 1 },
    )
    return await store.head('x').finally(() => store.close())
  }

  it('is told with the variable that says where it is', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL', 'http://me:secret@127.0.0.1:1')
    const told = await head('us-east-1').then(String, String)
    expect(told).toContain('ECONNREFUSED')
    expect(told).toContain('; AWS_ENDPOINT_URL says http://127.0.0.1:1')
    expect(told).not.toContain('secret')
  })

  it('is told with what would say so where nothing does', async () => {
    await expect(head('eu-nowhere-1')).rejects.toThrow(
      /amazonaws\.com; for a server other than Amazon's say --endpoint-url, or set AWS_ENDPOINT_URL: nothing says one/,
    )
  })

  it('is not asked where what says so is no URL', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL_S3', 'store:9000')
    const message =
      's3://repokeeper-nowhere: AWS_ENDPOINT_URL_S3 is "store:9000", which is no http:// or https:// URL: write '
    await expect(head('us-east-1')).rejects.toMatchObject({
      code: 'BAD_ENDPOINT',
      message: expect.stringContaining(message),
    })
  })
})

describe('the address of a bucket', () => {
  const urlOf = async (endpoint?: string) => {
    const bucket = await openS3Bucket({ bucket: 'packages', region: 'eu-central-1', ...(endpoint && { endpoint }) })
    return await bucket.urlOf('el9/a+b.rpm').finally(() => bucket.close())
  }

  it('is known without credentials, and to who cannot reach it', async () => {
    expect(await urlOf()).toBe('https://packages.s3.eu-central-1.amazonaws.com/el9/a%2Bb.rpm')
    expect(await urlOf('http://127.0.0.1:1')).toBe('http://127.0.0.1:1/packages/el9/a%2Bb.rpm')
    vi.stubEnv('AWS_ENDPOINT_URL', 'http://127.0.0.1:2')
    expect(await urlOf()).toBe('http://127.0.0.1:2/packages/el9/a%2Bb.rpm')
  })
})
