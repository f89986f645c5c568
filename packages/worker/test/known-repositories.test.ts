import { parseRepositoryRoot, parseRootPattern } from '@repokeeper/repository'
import { expect, it } from 'vitest'
import { WorkerEvents } from '../src/events.ts'
import { KnownRepositories } from '../src/known-repositories.ts'

const now = new Date('2026-11-28T10:00:00Z')
const roots = new Map([['packages', [parseRootPattern('el9'), parseRootPattern('fedora/*')]]])

function open(options: { readonly repositories?: readonly string[]; readonly roots?: typeof roots | undefined } = {}) {
  const events = new WorkerEvents()
  const runs = (options.repositories ?? []).map((repository) => ({ repository }))
  const history = { runs: () => runs }
  const known = new KnownRepositories(events, { date: () => now, history, roots: options.roots })
  const names = () => known.list().map(({ bucket, root }) => `s3://${bucket}/${root}`)
  const emit = (kind: 'published' | 'snapshot read', root: string, packages: number, revision = '1') => {
    const seen = { repository: '', bucket: 'packages', root, packages, revision }
    if (kind === 'published') events.emit('repository', { ...seen, kind, bytesSent: 1, milliseconds: 1 })
    else events.emit('repository', { ...seen, kind })
  }
  return { known, names, emit }
}

it('are those given by name, and those of runs before this one that it may still keep, the last one first', () => {
  const repositories = ['fedora/42/', 'el9/', 'fedora/41/', 'el8/', 'fedora/42/deep/', '../', 'repodata/'].map(
    (root) => `s3://packages/${root}`,
  )
  const { names } = open({ repositories: [...repositories, 's3://other/el9/', 'rubbish'], roots })
  expect(names()).toEqual(['s3://packages/fedora/42/', 's3://packages/el9/', 's3://packages/fedora/41/'])
  expect(open({ repositories: ['s3://other/'], roots: undefined }).names()).toEqual(['s3://other/'])
})

it('have counts once somebody has looked, and a time where they were published here', () => {
  const { known, emit } = open({ roots })
  const el9 = { bucket: 'packages', root: 'el9/' }
  expect(known.list()).toEqual([{ ...el9, packages: null, revision: null, publishedAt: null }])
  emit('snapshot read', 'el9/', 3, '5')
  expect(known.find('s3://packages/el9')).toEqual({ ...el9, packages: 3, revision: '5', publishedAt: null })
  emit('published', 'el9/', 4, '6')
  emit('snapshot read', 'el9/', 4, '6')
  const publishedAt = now.toISOString()
  expect(known.list()).toEqual([{ ...el9, packages: 4, revision: '6', publishedAt }])
  // Somebody else has published since: nobody here knows when.
  known.lookedAt({ bucket: 'packages', root: parseRepositoryRoot('el9/') }, { packages: 9, revision: '7' })
  expect(known.list()).toEqual([{ ...el9, packages: 9, revision: '7', publishedAt: null }])
})

it('are a thousand besides those given by name, which are never forgotten', () => {
  const { known, names, emit } = open({ roots })
  for (let number = 0; number < 1_100; number += 1) emit('published', `fedora/${number}/`, 1)
  expect(names()).toHaveLength(1_001)
  expect(names()[0]).toBe('s3://packages/fedora/1099/')
  expect(known.find('s3://packages/fedora/0/')).toBeUndefined()
  expect(known.find('s3://packages/el9/')).toBeDefined()
})
