/** The scripts in the shells that they are for: nothing is asserted on their text. */
import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { workplaceForTests } from './run-cli.ts'

const run = promisify(execFile)
const place = workplaceForTests()
const hasZsh = await run('zsh', ['--version']).then(
  () => true,
  () => false,
)

beforeAll(async () => {
  for (const shell of ['bash', 'zsh']) {
    const { code, stdout, stderr } = await place().repokeeper('completion', shell)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    await writeFile(join(place().directory, `completion.${shell}`), stdout)
  }
  await mkdir(join(place().directory, 'repository', 'Packages'), { recursive: true })
  await writeFile(join(place().directory, 'one package.rpm'), '')
  await writeFile(join(place().directory, 'one package.txt'), '')
})

describe('bash completes', () => {
  test.concurrent.each<[line: string[], replies: string[]]>([
    [['re'], ['remove', 'rebuild']],
    [['dead-letters', 're'], ['retry']],
    [['help', 'dead'], ['dead-letters']],
    [['add', 'x', '--pu'], ['--publish']],
    [['add', '--endp'], ['--endpoint-url']],
    [['--region', 'rebuild', 'he'], ['help']],
    [['worker', '--log-f'], ['--log-format']],
    [
      ['completion', ''],
      ['bash', 'zsh'],
    ],
    [
      ['list', '--compression', ''],
      ['gzip', 'zstd'],
    ],
    [['list', '--compression', '=', 'z'], ['zstd']],
    [
      ['list', '--compression', '='],
      ['gzip', 'zstd'],
    ],
    [['list', 'rep'], ['repository']],
    [
      ['add', 'repository', 'one'],
      ['one package.rpm', 'one package.txt'],
    ],
    [
      ['add', 's3', ':', '//bucket/el9', 'one'],
      ['one package.rpm', 'one package.txt'],
    ],
    [
      ['add', 'repository', '--', 'one'],
      ['one package.rpm', 'one package.txt'],
    ],
    [['list', '--cache-dir', 'rep'], ['repository']],
    [
      ['worker', '--config', 'one'],
      ['one package.rpm', 'one package.txt'],
    ],
    [['add', '--to', 'rep'], []],
    [['list', 'repository', 'one'], []],
  ])('repokeeper %j', async (words, replies) => {
    expect((await completeInBash('repokeeper', words)).toSorted()).toEqual(replies.toSorted())
  })

  test('updatePackages as well', async () => {
    expect(await completeInBash('updatePackages', ['-o', ''])).toEqual(['add', 'remove'])
    expect(await completeInBash('updatePackages', ['-o', 'add', '--all'])).toEqual(['--all-versions'])
  })

  test('every command and every option that --help shows', async () => {
    const { stdout } = await place().repokeeper('--help')
    const commands = [...stdout.matchAll(/^ {2}([a-z][a-z-]+) .*$/gm)].map(([, name]) => name ?? '')
    expect((await completeInBash('repokeeper', [''])).toSorted()).toEqual(commands.toSorted())
    for (const command of ['add', 'worker', 'prune']) {
      const help = (await place().repokeeper(command, '--help')).stdout
      const flags = [...help.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, flag]) => flag ?? '')
      expect(flags.length).toBeGreaterThan(10)
      expect((await completeInBash('repokeeper', [command, '--'])).toSorted()).toEqual(flags.toSorted())
    }
  })
})

describe.skipIf(!hasZsh)('zsh completes', () => {
  test.concurrent.each<[typed: string, line: string]>([
    ['repokeeper dead-l', 'repokeeper dead-letters '],
    ['repokeeper dead-letters dr', 'repokeeper dead-letters drop '],
    ['repokeeper add --publ', 'repokeeper add --publish '],
    ['repokeeper worker --log-f', 'repokeeper worker --log-format '],
    ['repokeeper list --compression zs', 'repokeeper list --compression zstd '],
    ['repokeeper completion z', 'repokeeper completion zsh '],
    ['repokeeper list rep', 'repokeeper list repository/'],
    ['repokeeper add repository one\\ package.r', 'repokeeper add repository one\\ package.rpm '],
    ['updatePackages -o rem', 'updatePackages -o remove '],
  ])('%s', async (typed, line) => {
    expect(await completeInZsh(typed)).toBe(line)
  })
})

/** What bash would offer for the last word. */
async function completeInBash(program: string, words: readonly string[]): Promise<string[]> {
  const script = `
    source completion.bash
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
    $(complete -p "$1" | sed 's/.*-F \\([^ ]*\\) .*/\\1/') "$1" "\${COMP_WORDS[COMP_CWORD]}" "\${COMP_WORDS[COMP_CWORD - 1]}"
    for reply in "\${COMPREPLY[@]}"; do printf '%s\\n' "$reply"; done`
  const options = { cwd: place().directory, env: { PATH: process.env.PATH } }
  const { stdout, stderr } = await run('bash', ['--norc', '-c', script, 'bash', program, ...words], options)
  expect(stderr).toBe('')
  return stdout.split('\n').filter((line) => line !== '')
}

/** The line after Tab was pressed, in an interactive shell on a terminal of its own. */
async function completeInZsh(typed: string): Promise<string> {
  const script = `
    zmodload zsh/zpty
    zpty shell zsh -f -i
    zpty -w shell 'autoload -Uz compinit; compinit -D -u; source ./completion.zsh; say() { print -r -- "LINE<$BUFFER>" }; zle -N say; bindkey "^X" say; print RE""ADY'
    zpty -r shell before '*READY*'
    zpty -w -n shell "$1"$'\\t\\x18'
    zpty -r shell after '*LINE<*>*'
    print -r -- "$after"`
  const options = { cwd: place().directory, env: { PATH: process.env.PATH, TERM: 'dumb' } }
  const { stdout } = await run('zsh', ['-f', '-c', script, 'zsh', typed], options)
  return /LINE<(.*)>/.exec(stdout)?.[1] ?? stdout
}
