/**
 * The pipelines: what they publish with is run here as their runners would, against S3 and SQS on this machine and a worker.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type LocalCloud, startLocalCloud } from '@repokeeper/local-cloud'
import { buildPackage } from '@repokeeper/rpm-parser/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import * as z from 'zod'
import { createCloudResources } from '../../fixtures/cloud-resources.ts'
import { folder, readTemplate } from './template.ts'

const permissions = z.record(z.string(), z.enum(['read', 'write']))
const Workflow = z.object({
  permissions,
  jobs: z.object({
    publish: z.object({
      permissions,
      steps: z.array(
        z.object({
          uses: z.string().optional(),
          name: z.string().optional(),
          run: z.string().optional(),
          with: z.record(z.string(), z.unknown()).default({}),
        }),
      ),
    }),
  }),
})
const Pipeline = z.object({
  'publish-rpms': z.object({
    id_tokens: z.record(z.string(), z.object({ aud: z.string() })),
    variables: z.record(z.string(), z.string()),
    script: z.array(z.string()),
  }),
})

const github = Workflow.parse(readYaml('github/publish-rpms.yml'))
const gitlab = Pipeline.parse(readYaml('gitlab/publish-rpms.gitlab-ci.yml'))['publish-rpms']

/** A limit, not a measurement: the machine may be busy with other tests. */
const limitMs = 300_000

const work = mkdtempSync(join(tmpdir(), 'repokeeper-ci-'))
const tokenFile = join(work, 'token')
const programs = join(folder, '..', 'node_modules', '.bin')
let cloud: LocalCloud
let worker: ChildProcess

beforeAll(async () => {
  mkdirSync(join(work, 'dist'))
  cloud = await startLocalCloud({ directory: join(work, 'cloud') })
  await createCloudResources(cloud.endpoint, 'packages')
  // Who does not wait is back before the worker has published.
  const publish = { operation: 'PutObject', key: '*/repomd.xml' }
  cloud.faults.add({ ...publish, action: { kind: 'delay', milliseconds: 2_000 } })
  const options = ['-q', 'packages-add', '--repository', 's3://packages/el9/*', '--batch-quiet-seconds', '0.2']
  worker = spawn(join(programs, 'repokeeper'), ['worker', ...options], { env: environment({}), stdio: 'ignore' })
})

afterAll(async () => {
  const ended = once(worker, 'exit')
  worker.kill('SIGTERM')
  await ended
  await cloud.close()
  rmSync(work, { recursive: true, force: true })
})

describe('the workflow of GitHub', () => {
  const { steps, permissions: ofJob } = github.jobs.publish

  it('asks for a token of its own, and for nothing else that could be written', () => {
    expect(github.permissions).toEqual({})
    expect(ofJob).toEqual({ contents: 'read', 'id-token': 'write' })
    const credentials = steps.find(({ uses }) => uses?.startsWith('aws-actions/configure-aws-credentials@'))
    expect(Object.keys(credentials?.with ?? {}).sort()).toEqual(['aws-region', 'role-to-assume'])
  })

  it(
    'publishes, and ends when the metadata lists the packages',
    async () => {
      await publishes('from-github', steps.find(({ name }) => name === 'Publish')?.run ?? '', {})
    },
    limitMs,
  )
})

describe('the pipeline of GitLab', () => {
  it('asks for a token for the audience that the role expects', () => {
    const audience = readTemplate('publisher').Parameters.Audience?.Default
    expect(gitlab.id_tokens).toEqual({ RPM_TOKEN: { aud: audience } })
    expect(gitlab.variables).toMatchObject({ AWS_ROLE_ARN: '$RPM_ROLE_ARN', AWS_REGION: '$RPM_REGION' })
  })

  it(
    'publishes, and ends when the metadata lists the packages',
    async () => {
      expect(gitlab.variables.AWS_WEB_IDENTITY_TOKEN_FILE).toMatch(/^\/tmp\//)
      await publishes('from-gitlab', gitlab.script.join('\n'), {
        RPM_TOKEN: 'the token of the job',
        AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile,
      })
      expect(readFileSync(tokenFile, 'utf8')).toBe('the token of the job')
    },
    limitMs,
  )
})

/** The script adds a package of this name to `el9/x86_64`, as a shell that stops at the first failure. */
async function publishes(name: string, script: string, variables: Readonly<Record<string, string>>): Promise<void> {
  rmSync(join(work, 'dist'), { recursive: true })
  mkdirSync(join(work, 'dist'))
  writeFileSync(join(work, 'dist', `${name}-1.0-1.noarch.rpm`), buildPackage({ name }))
  const own = { RPM_BUCKET: 'packages', RPM_DIRECTORY: 'el9/x86_64', ...variables }
  const ran = await run('bash', ['-e', '-c', script], environment(own))
  expect(ran, ran.said).toMatchObject({ status: 0 })
  const listed = await run(join(programs, 'repokeeper'), ['list', 's3://packages/el9/x86_64'], environment({}))
  expect(listed.said).toContain(name)
}

async function run(command: string, parameters: readonly string[], env: NodeJS.ProcessEnv) {
  const child = spawn(command, parameters, { cwd: work, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(child, 'exit')
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  await ended
  return { status: child.exitCode, said: `${stdout}${stderr}` }
}

function environment(variables: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  return {
    PATH: `${programs}:${process.env.PATH ?? ''}`,
    HOME: work,
    REPOKEEPER_CACHE_DIR: join(work, 'cache'),
    AWS_ENDPOINT_URL: cloud.endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    ...variables,
  }
}

function readYaml(path: string): unknown {
  return parse(readFileSync(join(folder, 'ci', path), 'utf8'))
}
