import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { workplaceForTests } from './run-cli.ts'

const place = workplaceForTests()
const url = 'https://packages.example.com/el9/'
const at = (...path: readonly string[]): string => join(place().directory, 'repo', ...path)

async function run(...args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await place().repokeeper(...args)
  expect(code, `${args.join(' ')}: ${stderr}`).toBe(0)
  return { stdout, stderr }
}

async function idsIn(): Promise<string[]> {
  const { generations } = JSON.parse((await run('generations', 'repo', '--json')).stdout)
  return generations.map(({ id }: { id: string }) => id)
}

const mirrorlist = async (...below: readonly string[]) => readFile(at(...below, 'mirrorlist'), 'utf8')

/** Three generations: foo 1; foo 1 and 2; foo 1, 2 and 3. In order: each test goes on where the one before ended. */
describe('generations', () => {
  let [third, second, first]: (string | undefined)[] = []
  beforeAll(async () => {
    await mkdir(at())
    const [one, ...more] = ['1', '2', '3']
    await run('add', 'repo', await place().rpm({ name: 'foo', version: one ?? '' }), '--generations-url', url)
    // The mirrorlist says the rest.
    for (const version of more) await run('add', 'repo', await place().rpm({ name: 'foo', version }))
    ;[third, second, first] = await idsIn()
  })

  test('are listed, the newest first, each with its packages', async () => {
    const { stdout } = await run('generations', 'repo')
    const time = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC`
    const lines = stdout.trimEnd().split('\n')
    expect(lines[0]).toMatch(/^ID +SINCE +UNTIL +PACKAGES +SIZE +SIGNED$/)
    expect(lines[1]).toMatch(new RegExp(`^${third} +${time} +now +3 +\\S+ k?B +no +published$`))
    expect(lines[2]).toMatch(new RegExp(`^${second} +${time} +(${time}|unknown) +2 +\\S+ k?B +no$`))
    expect(lines).toHaveLength(4)
    expect(await mirrorlist()).toBe(`# generation ${third}\n${url}generations/${third}/\n${url}\n`)
  })

  test('can be rolled back to: a dry run says what clients would see, and changes nothing', async () => {
    const before = await mirrorlist()
    const { stdout, stderr } = await run('rollback', 'repo', first ?? '', '--dry-run')
    expect(stdout).toMatch(new RegExp(`^repo: clients of the mirrorlist would see generation ${first}, `))
    expect(stdout).toContain(
      '  1 package: 2 of those published now are not among them, 0 that are not published now are\n',
    )
    expect(stderr).toBe('dry run: nothing was changed\n')
    expect(await mirrorlist()).toBe(before)
  })

  test('stay rolled back to while others publish, and everybody who is asked says so', async () => {
    await run('rollback', 'repo', first ?? '')
    await run('add', 'repo', await place().rpm({ name: 'bar' }))
    const text = await mirrorlist()
    expect(text).toMatch(new RegExp(`^# pinned to generation ${first} .*--resume`))
    expect(text).toContain(`\n${url}generations/${first}/\n`)
    expect((await run('status', 'repo')).stdout).toMatch(new RegExp(`mirrorlist +PINNED to generation ${first}`))
    expect((await run('audit', 'repo')).stdout).toContain(`note  mirrorlist  it is pinned to generation ${first}`)
    expect((await run('generations', 'repo')).stdout).toMatch(new RegExp(`^${first} .*pinned$`, 'm'))
  })

  test('follow what is published again when they are resumed', async () => {
    expect((await run('rollback', 'repo', '--resume')).stdout).toMatch(/follows what is published again/)
    const [newest] = await idsIn()
    expect(await mirrorlist()).toContain(`generations/${newest}/\n`)
    expect((await run('rollback', 'repo', '--resume')).stdout).toBe('repo: the mirrorlist is not pinned\n')
  })

  test('get a name that stays, and packages that stay with it: neither gc nor prune takes them', async () => {
    const { stdout } = await run('snapshot', 'repo', 'first', '--id', first ?? '')
    expect(stdout).toBe(
      `[repo-first]\nname=${url} as of first\nmirrorlist=${url}snapshots/first/mirrorlist\nenabled=1\ngpgcheck=0\n`,
    )
    expect(await mirrorlist('snapshots', 'first')).toContain(`generations/${first}/\n`)
    expect(await place().repokeeper('snapshot', 'repo', 'first')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`there is a snapshot first already, of generation ${first}`),
    })

    const pruned = await run('prune', 'repo', '--keep', '1', '--yes')
    expect(pruned.stdout).toMatch(/^stays +foo-1-1\.noarch .* in a kept generation \(snapshot first\)$/m)
    expect((await readdir(at())).filter((name) => name.startsWith('foo-')).sort()).toEqual([
      'foo-1-1.noarch.rpm',
      'foo-3-1.noarch.rpm',
    ])
    // Of foo there is nothing but the newest and what the snapshot keeps.
    expect((await run('prune', 'repo', '--keep', '1')).stdout).toMatch(
      /^repo: nothing goes: 1 package beyond the newest version is in a kept generation \(snapshot first\); \d+ stay$/m,
    )
    const { stdout: collected } = await run('gc', 'repo', '--retention', '0')
    expect(collected).toMatch(/generations\/\d+-[0-9a-f]{16}\/\n/)
    const [current, ...others] = await idsIn()
    expect(others).toEqual([first])
    expect((await run('audit', 'repo', '--deep')).stdout).toContain('nothing is wrong')

    expect((await run('snapshot', 'repo', 'first', '--delete')).stdout).toContain('first was deleted; generation')
    await run('snapshot', 'repo', 'now')
    expect((await run('snapshot', 'repo', 'now', '--delete')).stdout).toBe(
      `repo: snapshot now was deleted; generation ${current} stays as long as it is published; then it goes once its retention is over\n`,
    )
    // Clocks tell whole seconds: what was left in this one goes in the next.
    const collect = async () => {
      await run('gc', 'repo', '--retention', '0')
      return idsIn()
    }
    await expect.poll(collect, { timeout: 60_000 }).toEqual([current])
  })

  test('are made whole by an audit where something of them is gone', async () => {
    const [current = ''] = await idsIn()
    await rm(at('mirrorlist'))
    for (const name of await readdir(at('generations', current, 'repodata'))) {
      if (name.includes('primary')) await rm(at('generations', current, 'repodata', name))
    }
    const found = await place().repokeeper('audit', 'repo', '--generations-url', url)
    expect(found.code).toBe(1)
    expect(found.stdout).toMatch(/^stale-mirrorlist +mirrorlist /m)
    expect(found.stdout).toMatch(new RegExp(`^broken-generation +generations/${current}/ .*primary`, 'm'))
    const mended = await run('audit', 'repo', '--repair', '--generations-url', url)
    expect(mended.stdout).toContain('mended  the mirrorlist names what is published, and that is whole')
    expect(mended.stdout).toContain('nothing is wrong')
  })

  test.each([
    [['rollback', 'repo'], 2, 'give the ID of a generation'],
    [['rollback', 'repo', 'none'], 1, 'there is no generation none'],
    [['snapshot', 'repo', '../up'], 2, 'cannot be the name of a snapshot'],
    [['snapshot', 'repo', 'none', '--delete'], 1, 'there is no snapshot none'],
    [['add', 'repo', 'x.rpm', '--generations-url', 'packages.example.com'], 2, 'expected the URL'],
  ])('refuse %j', async (args, code, message) => {
    expect(await place().repokeeper(...args)).toMatchObject({ code, stderr: expect.stringContaining(message) })
  })
})
