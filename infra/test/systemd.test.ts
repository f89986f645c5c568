/**
 * The unit of a worker, as a machine has it below /opt/repokeeper and /etc.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { describeWithTool } from './describe-with-tool.ts'
import { folder } from './template.ts'
import { optionsOf } from './worker-environment.ts'

const checkout = join(folder, '..')
const unit = readFileSync(join(folder, 'systemd', 'repokeeper-worker@.service'), 'utf8')
/** `Key=value`, in their order; a key may come several times. */
const settings = [...unit.matchAll(/^(\w+)=(.*)$/gm)].map(([, key = '', value = '']) => [key, value] as const)
const signing = readFileSync(join(folder, 'systemd', 'signing.conf'), 'utf8')
/** With what stands there for who wants it. */
const signingWithAll = signing.replaceAll(/^#(?=\w+=)/gm, '')
const environment = assignments(valuesOf('Environment'))

describe('repokeeper-worker@.service', () => {
  it('runs a worker of the checkout, with the Node that comes with it', () => {
    const [node, program, command] = valuesOf('ExecStart').join().split(' ')
    expect(node).toBe('/opt/repokeeper/node_modules/.bin/node')
    expect(existsSync(program?.replace('/opt/repokeeper', checkout) ?? ''), program).toBe(true)
    expect(command).toBe('worker')
  })

  it('gives a worker the time to finish or to give its messages back', () => {
    const { graceSeconds } = optionsOf({ ...environment, REPOKEEPER_QUEUE: 'any' })
    // Five seconds until a publish has noticed that it was given up, and the calls that give messages back.
    expect(Number(valuesOf('TimeoutStopSec').join())).toBeGreaterThanOrEqual(graceSeconds + 10)
    expect(valuesOf('KillMode')).toEqual(['mixed'])
  })

  it('keeps its cache where systemd makes it a directory', () => {
    expect(environment.REPOKEEPER_CACHE_DIR).toBe(`%C/${valuesOf('CacheDirectory').join()}`)
  })

  it('runs as the user that sysusers.d makes', () => {
    const user = readFileSync(join(folder, 'systemd', 'repokeeper.sysusers.conf'), 'utf8')
    expect(user).toMatch(new RegExp(`^u ${valuesOf('User').join()} - `, 'm'))
  })

  it('has an environment for each instance, the example of which does', () => {
    const example = readFileSync(join(folder, 'systemd', 'additions.env'), 'utf8')
    const lines = example.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    expect(optionsOf({ ...environment, ...assignments(lines) })).toMatchObject({
      queue: 'repo-additions',
      repositories: ['s3://my-packages/el9/*'],
    })
    expect(valuesOf('EnvironmentFile')).toEqual(['/etc/repokeeper/%i.env'])
  })

  it.each([
    ['as it is', signing, { signKey: '%d/signing-key' }],
    [
      'with all of it',
      signingWithAll,
      {
        signKey: '%d/signing-key',
        signPassphrase: '%d/signing-passphrase',
        signNextKey: '%d/next-signing-key',
        signNextFrom: '2027-01-31',
      },
    ],
  ])(
    'signs with signing.conf beside it (%s), by keys that it is handed and that lie where key new and rotate put them',
    (_, text, keys) => {
      const lines = [...text.matchAll(/^(\w+)=(.*)$/gm)].map(([, key = '', value = '']) => [key, value] as const)
      const said = assignments(lines.flatMap(([key, value]) => (key === 'Environment' ? [value] : [])))
      const { signKey, signPassphrase, signNextKey, signNextFrom } = optionsOf({ ...said, REPOKEEPER_QUEUE: 'any' })
      expect({ signKey, signPassphrase, signNextKey, signNextFrom }).toEqual(keys)
      const handed = lines.flatMap(([key, value]) => (key === 'LoadCredential' ? [value.split(':')] : []))
      const asked = Object.values(said).filter((value) => value.startsWith('%d/'))
      expect(handed.map(([name]) => `%d/${name}`)).toEqual(asked)
      for (const [, path] of handed) expect(path).toMatch(/^\/etc\/repokeeper\//)
    },
  )

  it('lets in what its environment says, where the lines for it are wanted', () => {
    const example = readFileSync(join(folder, 'systemd', 'additions.env'), 'utf8').replaceAll(/^#(?=REPOKEEPER_)/gm, '')
    const lines = example.split('\n').filter((line) => line.startsWith('REPOKEEPER_'))
    expect(optionsOf(assignments(lines))).toMatchObject({
      packagePolicy: 'signed',
      keyring: ['/etc/repokeeper/packages.asc'],
    })
  })

  it('does not start again what would end the same way', () => {
    expect([valuesOf('Restart'), valuesOf('RestartPreventExitStatus')]).toEqual([['always'], ['2']])
  })

  it('starts all else again, however often it takes', () => {
    expect(valuesOf('StartLimitIntervalSec')).toEqual(['0'])
  })
})

describeWithTool('systemd-analyze', ['--version'], 'systemd-analyze', () => {
  const work = mkdtempSync(join(tmpdir(), 'repokeeper-unit-'))
  afterAll(() => rmSync(work, { recursive: true, force: true }))
  const instance = join(work, 'repokeeper-worker@additions.service')
  // It looks whether the program is there.
  writeFileSync(instance, unit.replaceAll('/opt/repokeeper', checkout))

  it('verifies the unit with signing.conf beside it', () => {
    mkdirSync(`${instance}.d`)
    writeFileSync(join(`${instance}.d`, 'signing.conf'), signingWithAll)
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', instance], { encoding: 'utf8' })
    rmSync(`${instance}.d`, { recursive: true })
    expect({ status, said: `${stdout}${stderr}` }).toEqual({ status: 0, said: '' })
  })

  it('verifies the unit', () => {
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', instance], { encoding: 'utf8' })
    expect({ status, said: `${stdout}${stderr}` }).toEqual({ status: 0, said: '' })
  })

  it('finds little that a worker could do to its machine: less than 1.5 of 10', () => {
    const parameters = ['security', '--offline=yes', '--no-pager', '--threshold=15', instance]
    const { status, stdout } = spawnSync('systemd-analyze', parameters, { encoding: 'utf8' })
    expect(status, stdout).toBe(0)
  })
})

function valuesOf(key: string): string[] {
  return settings.filter(([other]) => other === key).map(([, value]) => value)
}

function assignments(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))
}
