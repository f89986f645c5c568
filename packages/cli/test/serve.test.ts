/** serve, as people run it: filled by curl and by cp, read by dnf, killed, and two at once on one folder. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { DirectoryStore } from '@repokeeper/object-store'
import { MemoryCache, parseRepositoryRoot, readIndexedSnapshot, realContext } from '@repokeeper/repository'
import { describe, expect, it, onTestFinished } from 'vitest'
import { describeWithClients } from '../../../fixtures/describe-with-clients.ts'
import { openDnf } from '../../../fixtures/dnf.ts'
import { workplaceForTests } from './run-cli.ts'

const run = promisify(execFile)
const place = workplaceForTests()
const at = (path: string): string => join(place().directory, path)

/** A server that answers, until the test is over. */
async function serve(directory: string, ...words: string[]) {
  await mkdir(at(directory), { recursive: true })
  const child = place().start('serve', directory, '--http', '127.0.0.1:0', ...words)
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stderr })[Symbol.asyncIterator]()
  const next = async (): Promise<string> => (await lines.next()).value ?? ''
  const first = await next()
  return { child, next, url: / is at (http:\S+);/.exec(first)?.[1] ?? first }
}

async function listed(directory: string): Promise<string[]> {
  const store = new DirectoryStore(at(directory))
  const context = realContext({ cache: new MemoryCache(), onEvent: () => {} })
  const { index } = await readIndexedSnapshot({ store, root: parseRepositoryRoot('') }, context)
  return index.packages.map(({ href }) => href).toSorted()
}

describe('serve', () => {
  it('publishes what curl uploads, and what is copied into the folder', async () => {
    const { url, next, child } = await serve('folder', '--write', 'open', '--no-access-log')
    const file = await place().rpm({ name: 'uploaded' })
    const wanted = ['--silent', '--show-error', '--write-out', '%{http_code}']
    const { stdout } = await run('curl', [...wanted, '-T', at(file), `${url}el9/?wait=1`])
    expect(stdout).toMatch(/^stored el9\/uploaded.*\npublished\n201$/s)
    await copyFile(at(await place().rpm({ name: 'copied' })), at('folder/el9/copied.rpm'))
    const heard: string[] = []
    while (heard.filter((line) => line.startsWith('published el9/: 1 package added')).length < 2)
      heard.push(await next())
    expect(await listed('folder/el9')).toEqual(['copied.rpm', file])
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    expect(await exited).toEqual([0, null])
    expect(await readdir(at('folder/.repokeeper-uploads'))).toEqual([])
  })

  it('of two at once, each killed in the middle, loses nothing', async () => {
    const files: string[] = []
    for (let number = 0; number < 24; number += 1) files.push(await place().rpm({ name: `many${number}` }))
    const copy = (from: number, to: number) =>
      Promise.all(files.slice(from, to).map((file) => copyFile(at(file), at(`shared/${file}`))))
    const first = await serve('shared')
    const second = await serve('shared')
    await copy(0, 12)
    await Promise.race([first.next(), second.next()])
    // Somewhere in the middle of the rest.
    await copy(12, 18)
    const exits = Promise.all([once(first.child, 'exit'), once(second.child, 'exit')])
    first.child.kill('SIGKILL')
    await copy(18, 24)
    second.child.kill('SIGKILL')
    await exits
    const third = await serve('shared')
    while ((await listed('shared')).length < 24) await third.next()
    expect(await listed('shared')).toEqual(files.toSorted())
    third.child.kill('SIGKILL')
    expect(await place().repokeeper('verify', 'shared', '--packages', '--allow-unsigned')).toMatchObject({ code: 0 })
  })

  it('lets in who the file of users says, and reads it anew when it is told to', async () => {
    const user = await place().repokeeper('door-user', 'ci', '--path', 'el9', '--token')
    const [, token = ''] = /^token of ci: (\S+)\n$/.exec(user.stderr) ?? []
    const users = at('users.yaml')
    await writeFile(users, 'users: []\n')
    const { url, next, child } = await serve('closed', '--users', users, '--read', 'closed', '--no-access-log')
    const file = at(await place().rpm({ name: 'mine' }))
    const upload = async (...words: string[]) =>
      (await run('curl', ['-s', '-o', at('answer'), '-w', '%{http_code}', ...words, '-T', file, `${url}el9/`])).stdout
    const bearer = ['-H', `Authorization: Bearer ${token}`]
    expect([await upload(), await upload(...bearer)]).toEqual(['401', '401'])
    await writeFile(users, `users:\n${user.stdout}`)
    child.kill('SIGHUP')
    while ((await next()) !== 'read users and certificate anew');
    expect([await upload(), await upload(...bearer), await upload('-u', `ci:${token}`)]).toEqual(['401', '201', '200'])
    await writeFile(users, 'users: [')
    child.kill('SIGHUP')
    while (!(await next()).endsWith('what was read before still holds'));
    expect(await upload(...bearer)).toBe('200')
    expect(child.exitCode).toBeNull()
  })

  it.each<[string, string[], number, RegExp]>([
    ['a door that nobody could come in by', ['.', '--read', 'closed'], 2, /say with --users/],
    ['a burst of nothing', ['.', '--burst', '5'], 2, /say with --rate how many a second/],
    ['a proxy by its name', ['.', '--trust-proxy', 'proxy.example'], 2, /a network such as 10\.0\.0\.0\/8/],
    ['users that nobody has made', ['.', '--users', 'none.yaml'], 1, /none\.yaml is not there; make it: .*door-user/],
    ['a bucket', ['s3://bucket'], 2, /"repokeeper gateway s3:\/\/bucket" shows a bucket/],
  ])('refuses %s', async (_, args, code, message) => {
    expect(await place().repokeeper('serve', ...args)).toMatchObject({ code, stderr: expect.stringMatching(message) })
  })
})

describeWithClients(['dnf'], 'dnf', () => {
  it('sees a package as soon as its upload was answered', async () => {
    const { url } = await serve('for dnf', '--write', 'open')
    await run('curl', ['-sf', '-T', at(await place().rpm({ name: 'anchor' })), `${url}?wait=1`])
    const dnf = await openDnf(at('dnf'), url)
    expect((await dnf('repoquery')).stdout).toContain('anchor-0:1.0-1.noarch')
  })
})
