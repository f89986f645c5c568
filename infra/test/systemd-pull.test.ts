/**
 * The unit of a replica, with its example of an environment.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { describeWithTool } from './describe-with-tool.ts'
import { folder } from './template.ts'

const checkout = join(folder, '..')
const unit = readFileSync(join(folder, 'systemd', 'repokeeper-pull@.service'), 'utf8')
const example = readFileSync(join(folder, 'systemd', 'pull.env'), 'utf8')
const environment = Object.fromEntries(
  [...example.matchAll(/^([A-Z]+)=(.*)$/gm)].map(([, name, value]) => [name, value]),
)

function settingOf(key: string): string {
  return new RegExp(`^${key}=(.*)$`, 'm').exec(unit)?.[1] ?? ''
}

describe('repokeeper-pull@.service', () => {
  it('has a command line that repokeeper knows, with what the example says', () => {
    const [, program = '', ...words] = settingOf('ExecStart').replaceAll('/opt/repokeeper', checkout).split(' ')
    const expanded = words.flatMap((word) => {
      const name = /^\$\{?([A-Z]+)\}?$/.exec(word)?.[1]
      const value = name === undefined ? word : (environment[name] ?? '')
      return word.startsWith('${') ? [value] : value.split(' ')
    })
    expect(expanded.slice(0, 2)).toEqual(['pull', '--watch'])
    // Two options that contradict each other, so that nothing is done: what is said is that, once all others were understood.
    const { status, stderr } = spawnSync(process.execPath, [program, ...expanded, '--dry-run'], { encoding: 'utf8' })
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining('--watch and --dry-run') })
  })

  it('may write where the example has its replica, which everybody may read', () => {
    expect(environment.DIRECTORY).toMatch(new RegExp(`^/var/lib/${settingOf('StateDirectory')}/`))
    expect(settingOf('EnvironmentFile')).toBe('/etc/repokeeper/pull-%i.env')
    expect([settingOf('StateDirectoryMode'), settingOf('UMask')]).toEqual(['0755', '0022'])
  })
})

describeWithTool('systemd-analyze', ['--version'], 'systemd-analyze', () => {
  const work = mkdtempSync(join(tmpdir(), 'repokeeper-unit-'))
  afterAll(() => rmSync(work, { recursive: true, force: true }))
  const instance = join(work, 'repokeeper-pull@el9.service')
  // It looks whether the program is there.
  writeFileSync(instance, unit.replaceAll('/opt/repokeeper', checkout))

  it.each([
    ['verifies the unit', ['verify', instance]],
    [
      'finds little that it could do to its machine',
      ['security', '--offline=yes', '--no-pager', '--threshold=15', instance],
    ],
  ])('%s', (_, parameters) => {
    const { status, stdout, stderr } = spawnSync('systemd-analyze', parameters, { encoding: 'utf8' })
    expect(status, `${stdout}${stderr}`).toBe(0)
  })
})
