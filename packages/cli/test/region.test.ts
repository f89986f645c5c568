/** No region is set, and no endpoint: every command says the same, and asks nobody. */
import { describe, expect, test } from 'vitest'
import { workplaceForTests } from './run-cli.ts'

const place = workplaceForTests()
const nothingSet = { AWS_EC2_METADATA_DISABLED: 'true', AWS_ACCESS_KEY_ID: 'tester', AWS_SECRET_ACCESS_KEY: 'anything' }
const here = () => place().with(nothingSet)
const complaint =
  /[Nn]o AWS region is set: say --region, or set AWS_REGION, AWS_DEFAULT_REGION or the region of the profile/

describe('without a region', () => {
  test.concurrent.each([
    [['list', 's3://packages/el9']],
    [['plan', 's3://packages/el9']],
    [['init', 's3://packages/el9']],
    [['dead-letters', 'list', '-q', 'dead']],
    [['worker', '-q', 'additions', '--once']],
  ])('repokeeper %j says what to set', async (args) => {
    const { code, stdout, stderr } = await here().repokeeper(...args)
    expect({ code, stdout }).toEqual({ code: args[0] === 'worker' ? 2 : 1, stdout: '' })
    expect(stderr).toMatch(complaint)
    expect(stderr).not.toMatch(/us-east-1|ENOTFOUND|unexpected/)
  })

  test('doctor finds that, and nothing that says otherwise', async () => {
    const { code, stdout } = await here().repokeeper('doctor', 's3://packages/el9', '-q', 'additions', '--json')
    expect(code).toBe(1)
    expect(JSON.parse(stdout).findings).toEqual([
      expect.objectContaining({ check: 'versions' }),
      { check: 'region', verdict: 'problem', message: expect.stringMatching(complaint) },
    ])
  })
})

test.each([[['--region', '']], [['--region', 'eu central']], [['--profile', '']]])('%j is wrong use', async (flags) => {
  const { code, stderr } = await here().repokeeper('list', 's3://packages/el9', ...flags)
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(/leave it out\n/) })
})
