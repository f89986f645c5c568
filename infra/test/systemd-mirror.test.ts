/**
 * The unit and the timer of mirrors, with their example of a file.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { describeWithTool } from './describe-with-tool.ts'
import { contradiction, signingEnvironment } from './drop-ins.ts'
import { folder } from './template.ts'

const checkout = join(folder, '..')
const unit = readFileSync(join(folder, 'systemd', 'repokeeper-mirror@.service'), 'utf8')
const timer = readFileSync(join(folder, 'systemd', 'repokeeper-mirror@.timer'), 'utf8')
const example = join(folder, 'systemd', 'mirrors.yaml')

function settingOf(key: string): string {
  return new RegExp(`^${key}=(.*)$`, 'm').exec(unit)?.[1] ?? ''
}

describe('repokeeper-mirror@.service', () => {
  it('has a command line that repokeeper knows, and a file that it understands', () => {
    const line = settingOf('ExecStart').replaceAll('/opt/repokeeper', checkout)
    const [, program = '', ...words] = line.replace('/etc/repokeeper/%i.yaml', example).replace(' $MORE', '').split(' ')
    expect(words).toEqual(['mirror', '--config', example])
    // Two things that contradict each other, so that nothing is done: that is what is said, once the file was understood. One is of signing.conf.
    const env = { ...process.env, ...signingEnvironment(), REPOKEEPER_UNSIGNED: 'yes' }
    const { status, stderr } = spawnSync(process.execPath, [program, ...words], { encoding: 'utf8', env })
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining(contradiction) })
  })

  it('may write where the example has its repositories, which everybody may read', () => {
    const mirrors: { to: string }[] = parse(readFileSync(example, 'utf8'))
    const directories = mirrors.map(({ to }) => to).filter((to) => to.startsWith('/'))
    expect(directories).not.toEqual([])
    for (const directory of directories)
      expect(directory).toMatch(new RegExp(`^/var/lib/${settingOf('StateDirectory')}/`))
    expect([settingOf('StateDirectoryMode'), settingOf('UMask')]).toEqual(['0755', '0022'])
    expect(settingOf('Environment')).toBe(`REPOKEEPER_CACHE_DIR=%C/${settingOf('CacheDirectory')}`)
  })
})

describeWithTool('systemd-analyze', ['--version'], 'systemd-analyze', () => {
  const work = mkdtempSync(join(tmpdir(), 'repokeeper-unit-'))
  afterAll(() => rmSync(work, { recursive: true, force: true }))
  const [service, instance] = ['service', 'timer'].map((kind) => join(work, `repokeeper-mirror@el9.${kind}`))
  // It looks whether the program is there.
  writeFileSync(String(service), unit.replaceAll('/opt/repokeeper', checkout))
  writeFileSync(String(instance), timer)

  it.each([
    ['verifies the unit and its timer', ['verify', String(service), String(instance)]],
    [
      'finds little that it could do to its machine',
      ['security', '--offline=yes', '--no-pager', '--threshold=15', String(service)],
    ],
  ])('%s', (_, parameters) => {
    const { status, stdout, stderr } = spawnSync('systemd-analyze', parameters, { encoding: 'utf8' })
    expect(status, `${stdout}${stderr}`).toBe(0)
  })
})
