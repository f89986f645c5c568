/** Going back to a generation that clients might not take: its signature, and packages that are no longer what it lists. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildPackage } from '@repokeeper/rpm-parser/testing'
import { beforeAll, expect, test } from 'vitest'
import { workplaceForTests } from './run-cli.ts'

const place = workplaceForTests()
const at = (...path: readonly string[]): string => join(place().directory, ...path)
const url = ['--generations-url', 'https://packages.example.com/']
const mirrorlist = () => readFile(at('repo/mirrorlist'), 'utf8')

async function run(...args: readonly string[]) {
  const { code, stdout, stderr } = await place().repokeeper(...args)
  expect({ args, code, stderr }).toMatchObject({ code: 0 })
  return { stdout, stderr }
}

/** Unsigned, signed with a key that was given up since, and with the key of today: of ant; ant and bear; ant, bear and cat. */
let [today, lastYear, unsigned]: string[] = []
beforeAll(async () => {
  await mkdir(at('repo'))
  for (const name of ['old', 'new']) {
    await run('key', 'new', '--user-id', `${name} <${name}@example.com>`, '--kind', 'ed25519', '-o', `${name}.asc`)
  }
  await run('add', 'repo', await place().rpm({ name: 'ant' }), ...url)
  await run('add', 'repo', await place().rpm({ name: 'bear' }), '--sign-key', 'old.asc')
  expect((await run('add', 'repo', await place().rpm({ name: 'cat' }), '--sign-key', 'new.asc')).stderr).toContain(
    'repodata/repomd.xml.key: keys that lay there until now are no longer among those that clients are given',
  )
  const { generations } = JSON.parse((await run('generations', 'repo', '--json')).stdout)
  ;[today, lastYear, unsigned] = generations.map(({ id }: { id: string }) => id)
})

test('is refused where clients would refuse its signature, with the reason and what to do', async () => {
  const before = await mirrorlist()
  for (const { id = '', reason, key = [] } of [
    { id: unsigned, reason: 'it is not signed, and what is published is' },
    { id: lastYear, reason: 'its signature is not of a key in repodata/repomd.xml.key' },
    { id: unsigned, reason: 'the key that was given does not help', key: ['--sign-key', 'old.asc'] },
  ]) {
    const refused = await place().repokeeper('rollback', 'repo', id, ...key)
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toContain(`clients that check signatures would refuse ${id}: ${reason}`)
    expect(refused.stderr).toContain(`"repokeeper rollback repo ${id} --sign-key`)
    expect(await mirrorlist()).toBe(before)
  }
})

test('is done where a person insists, and told', async () => {
  const { stderr } = await run('rollback', 'repo', unsigned ?? '', '--force')
  expect(stderr).toContain(`clients that check signatures refuse ${unsigned}: it is not signed`)
  expect(await mirrorlist()).toContain(`# pinned to generation ${unsigned} `)
})

test('signs with the key that is given, and then needs it no more', async () => {
  const key = ['--sign-key', 'new.asc']
  expect((await run('rollback', 'repo', lastYear ?? '', ...key, '--dry-run')).stderr).toContain('would be signed with')
  await expect(run('verify', `repo/generations/${lastYear}`, '--key', 'new.pub.asc')).rejects.toThrow()
  expect((await run('rollback', 'repo', lastYear ?? '', ...key)).stderr).toContain(`${lastYear} was signed with`)
  await run('verify', `repo/generations/${lastYear}`, '--key', 'new.pub.asc')
  expect((await run('rollback', 'repo', lastYear ?? '')).stderr).not.toContain('signed')
  expect((await run('rollback', 'repo', today ?? '')).stderr).not.toContain('signed')
})

test('names the packages that are gone or were replaced since', async () => {
  await rm(at('repo/ant-1.0-1.noarch.rpm'))
  await writeFile(at('repo/bear-1.0-1.noarch.rpm'), buildPackage({ name: 'bear', summary: 'another' }))
  const { stdout, stderr } = await run('rollback', 'repo', today ?? '', '--dry-run')
  expect(stderr).toContain(
    '2 packages that it lists cannot be installed as listed: ant-1.0-1.noarch.rpm is gone, bear-1.0-1.noarch.rpm was replaced',
  )
  expect(stdout).toContain('3 packages')
})
