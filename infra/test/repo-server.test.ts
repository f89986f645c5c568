/**
 * Where the parts of repo-server.yaml lie in the network, and how its machines come by another public key.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeKey } from '@repokeeper/signing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { combinationsOf } from './combinations.ts'
import { evaluate, type ParameterValues } from './evaluate.ts'
import { environmentOf, type Machine, runUserData, userDataOf } from './machine.ts'
import { folder, readTemplate } from './template.ts'

const needed: ParameterValues = {
  ...{ BucketName: 'my-packages', BucketRegion: 'eu-west-1', Directory: 'el9/x86_64', VpcId: 'vpc-1' },
  ...{ CodeBucket: 'my-code', CodeKey: 'repokeeper-1.tar.gz', SubnetIds: ['subnet-1', 'subnet-2'] },
}
const internet = { Scheme: 'internet-facing', BalancerSubnetIds: 'subnet-3,subnet-4', ClientsCidr: '0.0.0.0/0' }

function stackOf(parameters: ParameterValues) {
  return evaluate(readTemplate('repo-server'), { ...needed, ...parameters })
}

describe('the subnets', () => {
  it.each([
    ['are the same for balancer and servers where nothing else is said', {}, ['subnet-1', 'subnet-2']],
    ['are others for a balancer of the internet', internet, ['subnet-3', 'subnet-4']],
  ])('%s', (_, parameters, ofBalancer) => {
    const resources = stackOf(parameters)?.resources
    expect(resources?.get('Balancer')?.properties.Subnets).toEqual(ofBalancer)
    expect(resources?.get('Group')?.properties.VPCZoneIdentifier).toEqual(needed.SubnetIds)
  })

  it('have to be said for a balancer of the internet, and who may read', () => {
    expect(stackOf({ ...internet, BalancerSubnetIds: '' })).toBeUndefined()
    expect(stackOf({ ...internet, ClientsCidr: '10.0.0.0/8' })).toBeUndefined()
    expect(() => stackOf({ BalancerSubnetIds: 'subnet-3' })).toThrow('does not fit')
  })
})

describe('the user data', () => {
  const work = mkdtempSync(join(tmpdir(), 'repokeeper-repo-server-'))
  afterAll(() => rmSync(work, { recursive: true, force: true }))
  const parameter = join(work, 'parameter')
  const key = '/usr/local/sbin/repokeeper-public-key'
  let machine: Machine
  let first = ''
  let second = ''

  beforeAll(async () => {
    for (const directory of ['infra', 'node_modules/.bin'])
      mkdirSync(join(work, 'checkout', directory), { recursive: true })
    cpSync(join(folder, 'systemd'), join(work, 'checkout/infra/systemd'), { recursive: true })
    symlinkSync(process.execPath, join(work, 'checkout/node_modules/.bin/node'))
    symlinkSync(join(folder, '../packages'), join(work, 'checkout/packages'))
    const archive = join(work, 'repokeeper.tar.gz')
    execFileSync('tar', ['--create', '--gzip', '--file', archive, '--directory', join(work, 'checkout'), '.'])
    first = (await newKey('Now')).publicKey
    second = (await newKey('Next')).publicKey
    writeFileSync(parameter, first)
    const stack = stackOf({ PublicKeyParameter: '/repokeeper/public-key' })
    machine = runUserData(userDataOf(stack?.resources ?? new Map()), { work, archive, parameter })
  })

  it('is a script that bash can read, and an instance takes', () => {
    for (const { stack } of combinationsOf('repo-server')) {
      const script = userDataOf(stack.resources)
      const { status, stderr } = spawnSync('bash', ['-n'], { input: script, encoding: 'utf8' })
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
      expect(Buffer.byteLength(script)).toBeLessThan(16_384)
    }
  })

  it('starts a replica that checks with the key of the parameter, and looks at that again', () => {
    expect(machine.status, machine.stderr).toBe(0)
    const { SOURCE, MORE } = environmentOf(machine.read('etc/repokeeper/pull-repository.env'))
    expect(SOURCE).toBe('s3://my-packages/el9/x86_64')
    expect(MORE).toBe('--http 127.0.0.1:5001 --key /etc/repokeeper/public-key.asc')
    expect(machine.read('etc/repokeeper/public-key.asc')).toBe(first)
    expect(machine.calls).toContain('systemctl enable --now nginx repokeeper-pull@repository')
    expect(machine.calls).toContain('systemctl enable --now repokeeper-public-key.timer')
    expect(machine.read('etc/systemd/system/repokeeper-public-key.service')).toContain(`ExecStart=${key}\n`)
    expect(machine.calls.at(-1)).toMatch(/^cfn-signal --exit-code 0 /)
  })

  it.each<[string, () => string, boolean]>([
    ['leaves the replica alone while the parameter is as it was', () => first, false],
    ['leaves the replica alone where there is no key in the parameter', () => 'nonsense', false],
    ['lets the replica begin anew with both keys, once they are in the parameter', () => `${first}${second}`, true],
  ])('%s', (_, said, begins) => {
    writeFileSync(parameter, said())
    const before = machine.read('etc/repokeeper/public-key.asc')
    const { calls } = machine.run(key)
    expect(calls.includes('systemctl try-restart repokeeper-pull@repository')).toBe(begins)
    expect(readFileSync(join(machine.root, 'etc/repokeeper/public-key.asc'), 'utf8')).toBe(begins ? said() : before)
  })
})

function newKey(userId: string) {
  return makeKey({ userId: `${userId} <packages@example.com>`, kind: 'ed25519', now: Date.now() })
}
