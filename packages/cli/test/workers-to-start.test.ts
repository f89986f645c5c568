import type { NotificationRule } from '@repokeeper/object-store'
import { expect, test } from 'vitest'
import type { Said } from '../src/command-to-copy.ts'
import { workersToStart } from '../src/workers-to-start.ts'

const said: Said = {
  endpointUrl: undefined,
  region: undefined,
  profile: undefined,
  singleWriter: false,
  documents: { compression: undefined, openChecksum: 'auto' },
}
const shared = { additions: 'a', removals: 'r', deadLetters: 'd' }
const own = { additions: 'b-el9-x86_64-additions', removals: 'b-el9-x86_64-removals', deadLetters: 'd' }

test.each<[string, string, typeof shared, readonly string[], string | undefined]>([
  ['that repository alone where the queues bear its name', 'el9/x86_64/', own, [], 's3://b/el9/x86_64'],
  ['all beside it where others may share them', 'el9/x86_64/', shared, ['el9/x86_64/', 'el9/aarch64/'], 's3://b/el9/*'],
  ['the same where one rule tells them of the directory', 'el9/x86_64/', shared, ['el9/'], 's3://b/el9/*'],
  ['all of the bucket where it is right in it', 'el9/', shared, [''], 's3://b/*'],
  ['the bucket where it is the bucket', '', shared, [''], 's3://b'],
  ['whatever there is where one of them is elsewhere', 'el9/x86_64/', shared, ['fedora/40/x86_64/'], undefined],
  ['whatever there is where they are told of more than its directory', 'el9/x86_64/', shared, [''], undefined],
])('workers keep %s', (_, root, names, prefixes, repository) => {
  const rules = prefixes.map((prefix) => rule({ prefix, arn: 'arn:aws:sqs:eu-central-1:123456789012:a' }))
  const others = rule({ prefix: 'deb/', arn: 'arn:aws:sqs:eu-central-1:123456789012:others' })
  const { commands, isUnbounded } = workersToStart({ bucket: 'b', root, names, rules: [...rules, others] }, said)
  expect(isUnbounded).toBe(repository === undefined)
  const only =
    repository === undefined ? '' : ` --repository ${repository.includes('*') ? `'${repository}'` : repository}`
  expect(commands).toEqual([names.additions, names.removals].map((queue) => `repokeeper worker -q ${queue}${only}`))
})

function rule(change: Pick<NotificationRule, 'prefix' | 'arn'>): NotificationRule {
  return { id: 'one', target: 'queue', events: ['s3:ObjectCreated:*'], suffix: '.rpm', ...change }
}
