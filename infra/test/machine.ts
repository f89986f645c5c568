/**
 * A machine of a template that comes up, played.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { objectOf, type Resource, textOf } from './evaluate.ts'

export interface Machine {
  readonly root: string
  readonly status: number | null
  readonly stderr: string
  /** Of the commands that are only played, with their arguments. */
  readonly calls: readonly string[]
  read(path: string): string
  /** A script that was written there, and what it calls. */
  run(path: string): Pick<Machine, 'status' | 'stderr' | 'calls'>
}

const played = ['dnf', 'aws', 'systemctl', 'systemd-sysusers', 'curl', 'cfn-signal', 'amazon-cloudwatch-agent-ctl']

export interface RunOptions {
  /** The directory that the machine's is made in. */
  readonly work: string
  /** What "aws s3 cp" brings. */
  readonly archive: string
  /** File of what "aws ssm get-parameter" says. */
  readonly parameter?: string
  /** The command that fails. */
  readonly failing?: string
}

/** Runs the script of a machine's user data below a directory of its own, with commands that only say that they were called. */
export function runUserData(script: string, { work, archive, parameter = '/dev/null', failing }: RunOptions): Machine {
  const root = mkdtempSync(join(work, 'machine-'))
  const log = join(root, 'calls')
  const bin = join(root, 'bin')
  for (const directory of [
    bin,
    join(root, 'etc/sysusers.d'),
    join(root, 'etc/systemd/system'),
    join(root, 'etc/logrotate.d'),
    join(root, 'etc/nginx/conf.d'),
    join(root, 'usr/local/sbin'),
  ]) {
    mkdirSync(directory, { recursive: true })
  }
  writeFileSync(log, '')
  for (const command of played) {
    const answer = command === 'aws' ? `[ "$1" = ssm ] && exec cat ${parameter}; cat ${archive}` : 'true'
    const end = command === failing ? 'exit 22' : answer
    writeFileSync(join(bin, command), `#!/bin/sh\necho "${command} $*" >>${log}\n${end}\n`, { mode: 0o755 })
  }
  // Agent and signal are called by their path; and of what the script writes, all is below the root.
  const here = script
    .replaceAll(/\/opt\/aws\/(\S+\/)*/g, `${bin}/`)
    .replaceAll(/(?<=[\s>"':=])\/(?=(opt|etc|var|usr\/local)\/)/g, `${root}/`)
  const run = (words: readonly string[]) => {
    const env = { PATH: `${bin}:${process.env.PATH ?? ''}` }
    const { status, stderr } = spawnSync('bash', words, { encoding: 'utf8', env })
    return { status, stderr, calls: readFileSync(log, 'utf8').trim().split('\n') }
  }
  return {
    root,
    ...run(['-c', here]),
    read: (path) => readFileSync(join(root, path), 'utf8').replaceAll(`${root}/`, '/'),
    run: (path) => {
      writeFileSync(log, '')
      return run([join(root, path)])
    },
  }
}

/** As systemd reads an EnvironmentFile, of values that need no quotes. */
export function environmentOf(text: string): Record<string, string> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))
}

export function launchDataOf(resources: ReadonlyMap<string, Resource>) {
  return objectOf(resources.get('LaunchTemplate')?.properties.LaunchTemplateData)
}

export function userDataOf(resources: ReadonlyMap<string, Resource>): string {
  return textOf(launchDataOf(resources).UserData)
}
