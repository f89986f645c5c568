import { mkdir, readdir, readFile, truncate, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { workplaceForTests } from './run-cli.ts'

const here = workplaceForTests()
/** Says on stderr what would cost time to load. */
const tellSdk = `data:text/javascript,import{registerHooks}from'node:module';registerHooks({resolve(s,c,n){if(s.startsWith('@aws-sdk/'))console.error('LOADED '+s);return n(s,c)}})`

let foo = ''
let foo2 = ''
beforeAll(async () => {
  foo = await here().rpm({ name: 'foo' })
  foo2 = await here().rpm({ name: 'foo', version: '2.0', epoch: 3 })
  await mkdir(join(here().directory, 'other'))
  await here().rpm({ name: 'foo', summary: 'not the same' }, `other/${foo}`)
})

describe('in a directory', () => {
  beforeAll(() => mkdir(join(here().directory, 'repo')))

  test('nothing is added into a repository that lies inside this one: nobody would list it here', async () => {
    await mkdir(join(here().directory, 'outer', 'inner'), { recursive: true })
    expect((await here().repokeeper('add', './outer/inner', foo)).code).toBe(0)
    const refused = await here().repokeeper('add', './outer', foo2, '--to', 'inner')
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('inner/ in ./outer is a repository of its own'),
    })
    expect(await readdir(join(here().directory, 'outer', 'inner'))).not.toContain(foo2)
  })

  test('packages are added, published at once, listed and removed; and the AWS SDK is never loaded', async () => {
    const options = { nodeArguments: ['--import', tellSdk] }
    const added = await here().repokeeper('add', './repo', foo, foo2, '--to', 'Packages/f', options)
    expect(added).toMatchObject({ code: 0, stderr: '' })
    expect(added.stdout.split('\n').sort()).toEqual([
      '',
      './repo: 2 added',
      './repo: metadata published: a new repository',
      expect.stringContaining(`added Packages/f/${foo} (foo-1.0-1.noarch, `),
      expect.stringContaining(`added Packages/f/${foo2} (foo-3:2.0-1.noarch, `),
    ])

    const listed = await here().repokeeper('list', 'repo', '--json', options)
    expect(listed).toMatchObject({ code: 0, stderr: '' })
    expect(jsonLines(listed.stdout)).toMatchObject([
      { nevra: 'foo-1.0-1.noarch', location: `Packages/f/${foo}`, pkgid: expect.stringMatching(/^[0-9a-f]{64}$/) },
      { nevra: 'foo-3:2.0-1.noarch', location: `Packages/f/${foo2}`, epoch: '3' },
    ])

    expect(await here().repokeeper('plan', 'repo')).toMatchObject({ code: 0, stdout: expect.stringContaining('agree') })

    const removed = await here().repokeeper('remove', 'repo', 'foo-3:2.0-1', 'nothing-like-it', options)
    expect(removed).toMatchObject({ code: 1, stderr: 'nothing-like-it: no package of that file name, path or NEVRA\n' })
    expect(removed.stdout).toContain(`removed Packages/f/${foo2} (foo-3:2.0-1.noarch) [NEVRA foo-3:2.0-1]\n`)
    const left = await here().repokeeper('list', 'repo', '*', options)
    expect(left.stdout).toMatch(/^foo-1\.0-1\.noarch {2} *1\.. kB {2}Packages\/f\/foo-1\.0-1\.noarch\.rpm\n$/)
  })

  test('a package name stands for all its versions only where that is said', async () => {
    const refused = await here().repokeeper('remove', 'repo', 'foo')
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toMatch(
      /^foo: is the name of a package, and stands for Packages\/f\/foo-1.*--all-versions\n$/,
    )
    const would = await here().repokeeper('remove', 'repo', 'foo', '--all-versions', '--dry-run', '--json')
    expect(JSON.parse(would.stdout)).toMatchObject({
      ok: true,
      dryRun: true,
      packages: [{ matchedBy: 'package name' }],
    })
    expect(await readdir(join(here().directory, 'repo/Packages/f'))).toContain(foo)
  })

  test('the same file is skipped, another one of its name refused, and replaced where that is said', async () => {
    const to = ['--to', 'Packages/f']
    const same = await here().repokeeper('add', 'repo', foo, ...to)
    expect(same).toMatchObject({ code: 0, stdout: expect.stringContaining(`skipped Packages/f/${foo}`) })
    const other = await here().repokeeper('add', 'repo', `other/${foo}`, foo2, ...to)
    expect(other).toMatchObject({ code: 1, stderr: expect.stringContaining('--replace') })
    expect(other.stdout).toContain('1 added, 1 failed')
    const replaced = await here().repokeeper('add', 'repo', `other/${foo}`, '--replace', '--json', ...to)
    expect(replaced.code).toBe(0)
    expect(JSON.parse(replaced.stdout)).toMatchObject({
      ok: true,
      files: [{ status: 'replaced', file: `other/${foo}` }],
    })
    expect(await readFile(join(here().directory, 'repo/Packages/f', foo))).toEqual(
      await readFile(join(here().directory, 'other', foo)),
    )
  })

  test('without publishing, plan tells what differs (exit code 100) and rebuild mends it', async () => {
    const bar = await here().rpm({ name: 'bar' })
    expect((await here().repokeeper('add', 'repo', bar, '--no-publish')).code).toBe(0)
    await unlink(join(here().directory, 'repo/Packages/f', foo2))
    const plan = await here().repokeeper('plan', 'repo', '--json')
    expect(plan.code).toBe(100)
    expect(JSON.parse(plan.stdout)).toMatchObject({
      equal: false,
      differences: [
        { kind: 'vanished', path: `Packages/f/${foo2}` },
        { kind: 'missing', path: bar },
      ],
    })
    const gone = await here().repokeeper('remove', 'repo', foo2, '--no-publish')
    expect(gone).toMatchObject({ code: 0, stdout: expect.stringContaining('gone already') })
    expect(gone.stderr).toContain('repokeeper plan repo')

    const dry = await here().repokeeper('rebuild', 'repo', '--dry-run')
    expect(dry).toMatchObject({ code: 0, stdout: expect.stringContaining('would read 2 packages') })
    const told = await here().repokeeper('plan', 'repo')
    expect(told).toMatchObject({
      code: 100,
      stderr: expect.stringMatching(/^"repokeeper audit repo --repair" brings it into line now\.\n/),
    })
    const rebuilt = await here().repokeeper('rebuild', 'repo')
    expect(rebuilt).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/published revision \d+ with 2 packages\n$/),
    })
    expect((await here().repokeeper('plan', 'repo')).code).toBe(0)
  })

  test('a package that cannot be read is left out of a rebuild, and named', async () => {
    await writeFile(join(here().directory, 'repo', 'junk.rpm'), 'this is none')
    const { code, stdout, stderr } = await here().repokeeper('rebuild', 'repo')
    expect(code).toBe(1)
    expect(stderr).toMatch(/^junk\.rpm: left out: .*not an RPM package/)
    expect(stdout).toContain('with 2 packages, without')
    await unlink(join(here().directory, 'repo', 'junk.rpm'))
  })

  test('a reader that goes away is no error', async () => {
    expect(await here().repokeeper('list', 'repo', { closeStdout: true })).toMatchObject({ code: 0, stderr: '' })
  })
})

describe('before anything is uploaded', () => {
  test('every bad file is named with its reason, and nothing is stored', async () => {
    const cut = await here().rpm({ name: 'cut', files: [{ path: '/usr/share/cut', content: 'x'.repeat(500) }] })
    await truncate(join(here().directory, cut), 1_300)
    await writeFile(join(here().directory, 'junk.rpm'), 'this is none')
    await mkdir(join(here().directory, 'empty'))
    const files = [foo, cut, 'junk.rpm', 'absent.rpm', 'other', 'package.json', '*.xrpm', `other/${foo}`]
    await writeFile(join(here().directory, 'package.json'), '{}')
    const { code, stdout, stderr } = await here().repokeeper('add', './empty', ...files)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr.trimEnd().split('\n').sort()).toEqual([
      '*.xrpm: there is no such file; the pattern matched nothing',
      'absent.rpm: there is no such file',
      expect.stringMatching(/^cut-1\.0-1\.noarch\.rpm: it is .*cut off/),
      expect.stringMatching(/^junk\.rpm: not an RPM package/),
      'nothing was uploaded, because of 7 bad files',
      expect.stringContaining(`other/${foo}: ${foo} has the same name`),
      'other: it is a directory; name the files in it: other/*.rpm',
      'package.json: its name does not end in ".rpm", so no worker would look at it',
    ])
    expect(await readdir(join(here().directory, 'empty'))).toEqual([])
    const { stdout: report } = await here().repokeeper('add', './empty', foo, 'junk.rpm', '--json')
    expect(JSON.parse(report)).toMatchObject({
      ok: false,
      files: [{ status: 'bad' }, { file: foo, status: 'not done' }],
    })
  })

  test('a dry run says what would be, and changes nothing', async () => {
    const { code, stdout } = await here().repokeeper('add', './empty', foo, foo, '-n')
    expect({ code, stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`would be added ${foo} (foo-1.0`),
    })
    expect(stdout).toContain('./empty: 1 would be added (dry run: nothing was changed)')
    expect(await readdir(join(here().directory, 'empty'))).toEqual([])
    expect((await here().repokeeper('remove', 'repo', '*', '-n')).stdout).toMatch(
      /\nrepo: \d would be removed \(dry run: nothing was changed\)\n$/,
    )
  })

  test('a path of this machine names a package of the directory', async () => {
    const paths = [join(here().directory, 'repo/Packages/f', foo), './repo/./bar-1.0-1.noarch.rpm']
    const { code, stdout } = await here().repokeeper('remove', 'repo', ...paths, '-n')
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('repo: 2 would be removed') })
    const outside = await here().repokeeper('remove', 'repo', 'elsewhere/Packages/f/no.rpm', '-n')
    expect(outside).toMatchObject({ code: 1, stderr: expect.stringContaining('no package of that file name') })
  })

  test('a directory that is no repository, and does not become one, is said to be none', async () => {
    const { stderr } = await here().repokeeper('add', './empty', foo, '--no-publish', '-n')
    expect(stderr).toBe(
      'note: there is no repository in ./empty yet: leave out --no-publish, or "repokeeper rebuild ./empty" makes one\n',
    )
    expect((await here().repokeeper('add', './empty', foo, '-n')).stderr).toBe('')
  })
})

function jsonLines(text: string): unknown[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}
