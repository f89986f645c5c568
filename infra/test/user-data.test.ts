/**
 * What a machine of workers-ec2.yaml does when it comes up: the script of its user data, run here below a directory of its own, with commands
 * that only say that they were called.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { combinationsOf } from './combinations.ts'
import { listOf, objectOf, type ParameterValues, type Stack, textOf } from './evaluate.ts'
import { environmentOf, launchDataOf, type Machine, runUserData, userDataOf } from './machine.ts'
import { folder, readTemplate } from './template.ts'
import { expectKeys, optionsOf } from './worker-environment.ts'

const combinations = combinationsOf('workers-ec2')
/** The script has nothing of the other parameters but the keys. */
const forScript = combinations.filter(
  ({ parameters: { KmsKeyArn, Prefix, SigningKeyArn, KeyringArn } }) =>
    KmsKeyArn === '' && (Prefix === 'el9/' || (SigningKeyArn !== undefined && KeyringArn !== undefined)),
)
let machines: { readonly parameters: ParameterValues; readonly stack: Stack; readonly machine: Machine }[] = []
const work = mkdtempSync(join(tmpdir(), 'repokeeper-user-data-'))
const archive = join(work, 'repokeeper.tar.gz')
afterAll(() => rmSync(work, { recursive: true, force: true }))

beforeAll(() => {
  mkdirSync(join(work, 'checkout/infra'), { recursive: true })
  cpSync(join(folder, 'systemd'), join(work, 'checkout/infra/systemd'), { recursive: true })
  execFileSync('tar', ['--create', '--gzip', '--file', archive, '--directory', join(work, 'checkout'), '.'])
  machines = forScript.map((one) => ({ ...one, machine: run(userDataOf(one.stack.resources)) }))
})

describe('the user data', () => {
  it('is a script that bash can read', () => {
    for (const { stack } of combinations) {
      const script = userDataOf(stack.resources)
      const { status, stderr } = spawnSync('bash', ['-n'], { input: script, encoding: 'utf8' })
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
      // Instances take 16 KiB of it.
      expect(Buffer.byteLength(script)).toBeLessThan(16_384)
    }
  })

  it('starts a worker of each queue, with options that a worker has, and tells the stack when both are ready', () => {
    expect(machines).toHaveLength(4)
    for (const { parameters, machine } of machines) {
      expect(machine.status, machine.stderr).toBe(0)
      expect(machine.calls).toContain('systemctl enable --now repokeeper-worker@additions repokeeper-worker@removals')
      expect(machine.calls.at(-1)).toBe('cfn-signal --exit-code 0 --region eu-central-1 --stack stack --resource Group')
      const named = textOf(parameters.Repositories)
      const repositories = named === '' ? [`s3://my-packages/${parameters.Prefix}*`] : named.split(',')
      const addresses = new Set<string | undefined>()
      for (const queue of ['additions', 'removals']) {
        const environment = environmentOf(machine.read(`etc/repokeeper/${queue}.env`))
        const options = optionsOf(environment)
        expect(options).toMatchObject({ queue: `repo-${queue}`, repositories })
        expectKeys(options, parameters)
        expect(environment.REPOKEEPER_EMF, 'metrics, which the alarms want').toBe('true')
        const asked = machine.calls.filter(
          (call) => call.startsWith('curl') && call.endsWith(`${environment.REPOKEEPER_HTTP}/readyz`),
        )
        expect(asked, 'whether it is ready').toHaveLength(1)
        addresses.add(environment.REPOKEEPER_HTTP)
      }
      expect(addresses.size, 'each answers for itself').toBe(2)
    }
  })

  it('has the agent read the files that systemd writes, into the log of the stack', () => {
    for (const { stack, machine } of machines) expectAgent(stack, machine)
  })

  it.each([
    ['the code is not there', 'aws'],
    ['a worker does not get ready', 'curl'],
    ['a worker does not start', 'systemctl'],
  ])('tells the stack where %s', (_, failing) => {
    const [first] = forScript
    if (first === undefined) throw new Error('there is no stack')
    const { status, calls } = run(userDataOf(first.stack.resources), failing)
    expect(status).not.toBe(0)
    expect(calls.filter((call) => call.startsWith('cfn-signal'))).toEqual([
      'cfn-signal --exit-code 1 --region eu-central-1 --stack stack --resource Group',
    ])
  })
})

describe('the group', () => {
  it('replaces its machines one by one, with room for one more than it can be told to have', () => {
    const most = readTemplate('workers-ec2').Parameters.Instances?.MaxValue
    for (const { stack } of combinations) {
      const group = stack.resources.get('Group')
      const update = objectOf(group?.updatePolicy.AutoScalingRollingUpdate)
      expect(update).toMatchObject({ MinInstancesInService: '2', MaxBatchSize: 1, WaitOnResourceSignals: true })
      expect(objectOf(group?.creationPolicy.ResourceSignal).Count).toBe('2')
      expect(group?.properties.MinSize).toBe('2')
      expect(Number(group?.properties.MaxSize)).toBe(Number(most) + 1)
    }
  })

  it('has machines that give their credentials by version 2 of the metadata service alone, to processes of their own', () => {
    for (const { stack } of combinations) {
      const data = launchDataOf(stack.resources)
      expect(data.MetadataOptions).toMatchObject({ HttpTokens: 'required', HttpPutResponseHopLimit: 1 })
      for (const disk of listOf(data.BlockDeviceMappings)) expect(objectOf(objectOf(disk).Ebs).Encrypted).toBe(true)
    }
  })
})

/** "Manually create or edit the CloudWatch agent configuration file", logs section. */
const AgentConfig = z.strictObject({
  logs: z.strictObject({
    logs_collected: z.strictObject({
      files: z.strictObject({
        collect_list: z.array(
          z.strictObject({ file_path: z.string(), log_group_name: z.string(), log_stream_name: z.string() }),
        ),
      }),
    }),
  }),
})

function expectAgent(stack: Stack, machine: Machine): void {
  const unit = 'etc/systemd/system/repokeeper-worker@.service'
  expect(existsSync(join(machine.root, unit))).toBe(true)
  const output = /StandardOutput=append:(.*)/.exec(machine.read(`${unit}.d/log.conf`))?.[1]
  const { logs } = AgentConfig.parse(JSON.parse(machine.read('etc/repokeeper/cloudwatch-agent.json')))
  const { collect_list: files } = logs.logs_collected.files
  expect(files.map(({ file_path }) => file_path)).toEqual(
    ['additions', 'removals'].map((queue) => output?.replace('%i', queue)),
  )
  for (const { log_group_name } of files) {
    expect(log_group_name).toBe(stack.resources.get('Log')?.properties.LogGroupName)
  }
}

function run(script: string, failing?: string): Machine {
  return runUserData(script, { work, archive, ...(failing !== undefined && { failing }) })
}
