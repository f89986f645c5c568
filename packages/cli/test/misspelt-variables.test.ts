import { describe, expect, test } from 'vitest'
import { nearestName } from '../src/nearest-name.ts'
import { workplaceForTests } from './run-cli.ts'

const place = workplaceForTests()

test('a variable whose name is misspelt is named once, with the one that was meant; those of others are not', async () => {
  const environment = {
    REPOKEEPER_REGOIN: 'eu-central-1',
    REPOKEEPER_REPOSITORY: 's3://packages/el9',
    REPOKEEPER_QUEUE: 'additions',
    REPOKEEPER_IMAGE: 'registry.example.org/repokeeper',
    REPOKEEPER_DEBGU: '',
  }
  const { code, stderr } = await place().repokeeper('history', { environment })
  expect(code).toBe(0)
  expect(stderr.split('\n').filter((line) => line.startsWith('warning: '))).toEqual([
    'warning: nothing reads the variable REPOKEEPER_REGOIN; was REPOKEEPER_REGION meant?',
    'warning: nothing reads the variable REPOKEEPER_REPOSITORY; was REPOKEEPER_REPOSITORIES meant?',
  ])
})

describe('the nearest name', () => {
  const known = ['QUEUE', 'REGION', 'SITE', 'LOG_LEVEL', 'LOG_FORMAT', 'REPOSITORIES']
  test.each([
    ['QUEU', 'QUEUE'],
    ['QUEUE_NAME', 'QUEUE'],
    ['REGOIN', 'REGION'],
    ['REPOS', 'REPOSITORIES'],
    ['LOGLEVEL', 'LOG_LEVEL'],
    ['LOG_FORMATT', 'LOG_FORMAT'],
    ['SIT', 'SITE'],
    ['IMAGE', undefined],
    ['S', undefined],
    ['', undefined],
  ])('to %j is %j', (name, nearest) => {
    expect(nearestName(name, known)).toBe(nearest)
  })
})
