/** What a snapshot keeps, whatever else is done to the repository. */
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { workplaceForTests } from './run-cli.ts'

const place = workplaceForTests()
const at = (path: string): string => join(place().directory, path)
const url = ['--generations-url', 'http://packages.example.com/r/']

/** @returns the id of its generation */
async function snapshotOf(repository: string, name: string): Promise<string> {
  const { code, stdout, stderr } = await place().repokeeper('snapshot', repository, name, '--json')
  expect({ code, stderr }).toMatchObject({ code: 0 })
  return String(JSON.parse(stdout).generation)
}

it('leaves to a snapshot what a mirror would prune, and says no word of another kind', async () => {
  for (const directory of ['upstream', 'mirrored']) await mkdir(at(directory))
  await place().repokeeper('add', 'upstream', await place().rpm({ name: 'a' }), await place().rpm({ name: 'b' }))
  await place().repokeeper('add', 'mirrored', await place().rpm({ name: 'own' }), ...url)
  expect(await place().repokeeper('mirror', 'upstream', 'mirrored', '--prune')).toMatchObject({ code: 0 })
  await snapshotOf('mirrored', 'keep')
  await place().repokeeper('remove', 'upstream', 'b-1.0-1')
  expect(await place().repokeeper('mirror', 'upstream', 'mirrored', '--prune')).toMatchObject({ code: 0 })
  expect(await readdir(at('mirrored'))).toContain('b-1.0-1.noarch.rpm')
  await place().repokeeper('snapshot', 'mirrored', 'keep', '--delete')
  expect(await place().repokeeper('mirror', 'upstream', 'mirrored', '--prune')).toMatchObject({ code: 0 })
  expect(await readdir(at('mirrored'))).not.toContain('b-1.0-1.noarch.rpm')
})

it('lets nothing be published into the directory of a generation', async () => {
  await mkdir(at('kept'))
  await place().repokeeper('add', 'kept', await place().rpm({ name: 'a' }), ...url)
  const id = await snapshotOf('kept', 's')
  const file = await place().rpm({ name: 'stranger' })
  for (const args of [
    ['rebuild', `kept/generations/${id}/`],
    ['add', `kept/generations/${id}`, file],
    ['add', 'kept', file, '--to', `generations/${id}`],
  ]) {
    expect(await place().repokeeper(...args)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('is the directory of a generation'),
    })
  }
})

it('refuses to prune where a snapshot no longer says what it is of', async () => {
  await mkdir(at('edited'))
  await place().repokeeper('add', 'edited', await place().rpm({ name: 'a' }), ...url)
  await snapshotOf('edited', 's')
  await writeFile(at('edited/snapshots/s/mirrorlist'), 'http://mirror.example.com/r/\n')
  await place().repokeeper('add', 'edited', await place().rpm({ name: 'a', version: '2' }))
  for (const args of [
    ['prune', 'edited', '--keep', '1', '--yes'],
    ['gc', 'edited', '--retention', '0'],
  ]) {
    expect(await place().repokeeper(...args)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('snapshots/s/mirrorlist'),
    })
  }
  expect(await readdir(at('edited'))).toContain('a-1.0-1.noarch.rpm')
  expect(await place().repokeeper('snapshot', 'edited', 's', '--delete')).toMatchObject({
    code: 0,
    stdout: 'edited: snapshot s was deleted; what it was of could not be read\n',
  })
  expect(await place().repokeeper('prune', 'edited', '--keep', '1')).toMatchObject({ code: 0 })
})

it('takes no package policy for an exact copy, which has none', async () => {
  const args = [
    'mirror',
    'upstream',
    'exact',
    '--keep-upstream-metadata',
    '--package-policy',
    'signed',
    '--keyring',
    'k',
  ]
  expect(await place().repokeeper(...args)).toMatchObject({ code: 2, stderr: expect.stringContaining('leave out one') })
})
