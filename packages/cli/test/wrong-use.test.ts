import { describe, expect, test } from 'vitest'
import { workplaceForTests } from './run-cli.ts'

const here = workplaceForTests()

describe('wrong use ends with exit code 2 and says what to write instead', () => {
  test.concurrent.each([
    [['add'], /missing required argument 'REPO'/],
    [['ad', 'x'], /unknown command 'ad'.*Did you mean add/s],
    [['add', 's3://b', 'x.rpm', '--wiat'], /unknown option '--wiat'.*Did you mean --wait/s],
    [['add', 's3://b', 'x.rpm', '--concurrency', '0'], /whole number from 1 to 64/],
    [['add', 's3://b', 'x.rpm', '--timeout', 'soon'], /a number above 0/],
    [['add', '.', 'x.rpm', '--to', '../up'], /--to \.\.\/up: packages cannot lie there/],
    [['list', 'http://b/x'], /s3:\/\/BUCKET\/PREFIX/],
    [['list', 's3://packages/x/repodata'], /not its repodata/],
    [['--endpoint-url', 'nonsense', 'list', 's3://b'], /no http:\/\/ or https:\/\/ URL/],
    [['gc', 's3://b', '--retention', 'tomorrow'], /a time such as 30m, 24h or 7d/],
    [['gc', 's3://b', '--retention', '99999d'], /ten years at most/],
    [['gc', 's3://b', '--keep-generations', '0'], /whole number from 1/],
    [['history', 'additions'], /too many arguments/],
    [['history', '-q'], /option '-q, --queue <queue>' argument missing/],
    [['history', '-q', ''], /--queue is empty: give the name or URL/],
    [['worker'], /options cannot be used:\n {2}--queue: give the name/],
    [
      ['worker', '-q', 'x', '--batch-keys-max', 'many', '--log-level', 'loud'],
      /--batch-keys-max is "many": .*\n {2}--log-level is "loud": /s,
    ],
  ])('repokeeper %j', async (args, message) => {
    const { code, stdout, stderr } = await here().repokeeper(...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^repokeeper: /)
    expect(stderr).toMatch(message)
    expect(stderr).not.toMatch(/\n {4}at /)
  })

  test.concurrent.each([
    [['x.rpm'], /required option '-b, --bucket <bucket>'/],
    [['-b', 'b', 'x.rpm'], /required option '-o, --operation <operation>'/],
    [['-b', 'b', '-o', 'delete', 'x.rpm'], /Allowed choices are add, remove/],
    [['-b', 'b', '-o', 'remove', '--replace', 'x'], /--replace is an option of "-o add"/],
    [['-b', 'b', '-o', 'add', '--all-versions', 'x'], /--all-versions is an option of "-o remove"/],
  ])('updatePackages %j', async (args, message) => {
    const { code, stderr } = await here().updatePackages(...args, { ownProcess: true })
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
  })
})

test.concurrent.each([
  ['list', 's3://bucket/path'],
  ['dead-letters', 'list', '-q', 'queue'],
  ['worker', '-q', 'queue'],
])('an endpoint that is no URL is named, with what to write: repokeeper %s %s', async (...args) => {
  const environment = { AWS_ENDPOINT_URL: 'store:9000', AWS_REGION: 'us-east-1' }
  const { code, stderr } = await here().repokeeper(...args, { environment })
  expect(code).toBe(2)
  expect(stderr).toContain(
    'AWS_ENDPOINT_URL is "store:9000", which is no http:// or https:// URL: write http://store:9000 or https://store:9000',
  )
})

describe('what fails ends with exit code 1, without a stack', () => {
  test.concurrent.each([
    [['list', './nowhere'], /there is no directory \.\/nowhere; check the path, or make it for a new repository/],
    [['verify', './nowhere'], /there is no directory \.\/nowhere; check the path, or name another one, or s3:/],
    [['list', 'bucket/path'], /there is no directory bucket\/path.*for a bucket write s3:\/\/bucket\/path/],
    [['list', 's3:/bucket/path'], /for a bucket write s3:\/\/bucket\/path/],
    [['list', '.'], /has no metadata \(repodata\/repomd\.xml\)/],
    [['gc', '.'], /no repodata\/repomd\.xml, so nothing says what is in use.*repokeeper rebuild/],
    [['plan', '/dev/null'], /is a file; REPO is a directory/],
    [['worker', '--config', 'absent.yaml'], /--config absent\.yaml cannot be read/],
  ])('repokeeper %j', async (args, message) => {
    const { code, stderr } = await here().repokeeper(...args)
    expect(code).toBe(1)
    expect(stderr).toMatch(message)
    expect(stderr).not.toMatch(/\n {4}at /)
  })

  test('neither a cache nor a temporary directory', async () => {
    const environment = { TMPDIR: '/dev/null', XDG_CACHE_HOME: '/dev/null', REPOKEEPER_CACHE_DIR: '' }
    const { code, stderr } = await here().repokeeper('list', '.', { environment })
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(
        /^repokeeper: neither the cache directory \/dev\/null\/repokeeper nor the temporary directory \/dev\/null can be written \(.*\): set TMPDIR, or --cache-dir,/,
      ),
    })
  })

  test('a cache directory where none can be made', async () => {
    const { code, stderr } = await here().repokeeper('list', '.', '--cache-dir', '/proc/repokeeper/cache')
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr:
        'repokeeper: the cache directory /proc/repokeeper/cache cannot be used: cannot make the directory /proc/repokeeper/cache: /proc takes no directories; name another one (ENOENT)\n',
    })
  })

  test('REPOKEEPER_DEBUG=1 shows the stack', async () => {
    const { stderr } = await here().repokeeper('list', 'nowhere', {
      environment: { REPOKEEPER_DEBUG: '1' },
      ownProcess: true,
    })
    expect(stderr).toMatch(/\n {4}at /)
  })
})

describe('help', () => {
  test.concurrent.each([
    ...[
      'init',
      'doctor',
      'add',
      'remove',
      'promote',
      'list',
      'status',
      'plan',
      'prune',
      'rebuild',
      'audit',
      'gc',
      'worker',
    ],
    ...['history', 'dead-letters', 'completion'],
  ])('of %s goes to stdout and has examples', async (command) => {
    const { code, stdout, stderr } = await here().repokeeper(command, '--help')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain(`$ repokeeper ${command}`)
    expect(stdout).toContain('--endpoint-url')
  })

  test('of the programs, and their version', async () => {
    expect((await here().repokeeper('--help')).stdout).toContain('Examples:')
    expect((await here().updatePackages('--help')).stdout).toContain('$ updatePackages -b my-bucket')
    expect(await here().repokeeper('--version')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    })
  })
})
