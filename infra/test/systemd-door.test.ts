/**
 * The units of serve and gateway, with their examples of an environment.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { describeWithTool } from './describe-with-tool.ts'
import { contradiction, signingEnvironment, writeDropIns } from './drop-ins.ts'
import { folder } from './template.ts'

const checkout = join(folder, '..')

function unitOf(command: string): string {
  return readFileSync(join(folder, 'systemd', `repokeeper-${command}@.service`), 'utf8')
}

function environmentOf(command: string): Record<string, string | undefined> {
  const example = readFileSync(join(folder, 'systemd', `${command}.env`), 'utf8')
  return Object.fromEntries([...example.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name = '', value]) => [name, value]))
}

function settingOf(command: string, key: string): string {
  return new RegExp(`^${key}=(.*)$`, 'm').exec(unitOf(command))?.[1] ?? ''
}

describe.each(['serve', 'gateway'])('repokeeper-%s@.service', (command) => {
  it('has a command line that repokeeper knows, with what the example says', () => {
    const environment = environmentOf(command)
    const start = settingOf(command, 'ExecStart').replaceAll('/opt/repokeeper', checkout)
    const [, program = '', ...words] = start.split(' ')
    const expanded = words.flatMap((word) => {
      const name = /^\$\{?([A-Z]+)\}?$/.exec(word)?.[1]
      const value = name === undefined ? word : (environment[name] ?? '')
      return word.startsWith('${') ? [value] : value.split(' ')
    })
    expect(expanded[0]).toBe(command)
    // Two things that contradict each other, so that nothing is done: what is said is that, once all else was understood. One is of signing.conf.
    const env = { ...process.env, ...signingEnvironment(), REPOKEEPER_UNSIGNED: 'yes' }
    const { status, stderr } = spawnSync(process.execPath, [program, ...expanded], { encoding: 'utf8', env })
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining(contradiction) })
  })

  it('has a file for its environment that no other unit reads', () => {
    expect(settingOf(command, 'EnvironmentFile')).toBe(`/etc/repokeeper/${command}-%i.env`)
    expect(readFileSync(join(folder, 'systemd', `${command}.env`), 'utf8')).toMatch(
      new RegExp(`^# /etc/repokeeper/${command}-el9\\.env: .* repokeeper-${command}@el9\\.service\n`),
    )
  })

  it('reloads by the signal that has the files read anew', () => {
    expect(settingOf(command, 'ExecReload')).toBe('/bin/kill -HUP $MAINPID')
  })
})

it('may write where the examples have their files', () => {
  expect(environmentOf('serve').DIRECTORY).toMatch(new RegExp(`^/var/lib/${settingOf('serve', 'StateDirectory')}/`))
  const cache = settingOf('gateway', 'CacheDirectory')
  expect(environmentOf('gateway').MORE).toContain(`--scratch /var/cache/${cache}/`)
})

describeWithTool('systemd-analyze', ['--version'], 'systemd-analyze', () => {
  const work = mkdtempSync(join(tmpdir(), 'repokeeper-unit-'))
  afterAll(() => rmSync(work, { recursive: true, force: true }))

  it.each(['serve', 'gateway'])(
    'verifies the unit of %s, also with what may lie beside it, and finds little that it could do to its machine',
    (command) => {
      const instance = join(work, `repokeeper-${command}@el9.service`)
      // It looks whether the program is there.
      writeFileSync(instance, unitOf(command).replaceAll('/opt/repokeeper', checkout))
      writeDropIns(instance, ['signing.conf', 'low-port.conf'])
      expect(spawnSync('systemd-analyze', ['verify', instance], { encoding: 'utf8' })).toMatchObject({
        ...{ status: 0, stdout: '', stderr: '' },
      })
      rmSync(`${instance}.d`, { recursive: true })
      for (const parameters of [['verify'], ['security', '--offline=yes', '--no-pager', '--threshold=17']]) {
        const { status, stdout, stderr } = spawnSync('systemd-analyze', [...parameters, instance], { encoding: 'utf8' })
        expect(status, `${stdout}${stderr}`).toBe(0)
      }
    },
  )
})
