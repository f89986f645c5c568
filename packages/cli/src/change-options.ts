/**
 * The options of the commands that change what is in the bucket.
 */
import { type Command, InvalidArgumentError } from 'commander'
import * as z from 'zod'

export interface ChangeOptions {
  readonly dryRun: boolean
  readonly json: boolean
  readonly wait: boolean
  readonly timeoutSeconds: number
  /** `undefined`: in a directory, where no worker does it, and nowhere else. */
  readonly publish: boolean | undefined
}

export interface AddOptions {
  readonly to: string
  readonly replace: boolean
  readonly concurrency: number
}

export interface RemoveOptions {
  readonly allVersions: boolean
}

export function defineChangeOptions(command: Command): Command {
  return command
    .option('--wait', 'return when the published metadata shows the change')
    .option('--timeout <seconds>', 'how long --wait waits', positiveNumber(86_400), 120)
    .option('--publish', 'publish the metadata here, without a worker (always done in a directory)')
    .option('--no-publish', 'leave the metadata of a directory as it is')
    .option('-n, --dry-run', 'say what would happen, change nothing')
    .option('--json', 'report as one JSON document')
}

export function defineAddOptions(command: Command): Command {
  return command
    .option('--to <directory>', 'below the root of the repository, such as Packages/b')
    .option('--replace', 'replace another file of the same name')
    .option('--concurrency <count>', 'uploads at the same time', wholeNumber(64), 4)
}

export function defineRemoveOptions(command: Command): Command {
  return command.option('--all-versions', 'NAME may be that of a package: all its versions are removed')
}

export function readChangeOptions(values: unknown): ChangeOptions {
  const { timeout, ...options } = Change.parse(values)
  return { ...options, timeoutSeconds: timeout, publish: options.publish }
}

export function readAddOptions(values: unknown): AddOptions {
  return Add.parse(values)
}

export function readRemoveOptions(values: unknown): RemoveOptions {
  return Remove.parse(values)
}

const off = z.boolean().default(false)
const Change = z.object({ dryRun: off, json: off, wait: off, timeout: z.number(), publish: z.boolean().optional() })
const Add = z.object({ to: z.string().default(''), replace: off, concurrency: z.number() })
const Remove = z.object({ allVersions: off })

function positiveNumber(most: number): (text: string) => number {
  return (text) => {
    const value = /^[0-9]+(\.[0-9]+)?$/.test(text) ? Number(text) : Number.NaN
    if (value > 0 && value <= most) return value
    throw new InvalidArgumentError(`Expected a number above 0, and ${most} at most.`)
  }
}

function wholeNumber(most: number): (text: string) => number {
  return (text) => {
    const value = /^[0-9]{1,9}$/.test(text) ? Number(text) : Number.NaN
    if (value >= 1 && value <= most) return value
    throw new InvalidArgumentError(`Expected a whole number from 1 to ${most}.`)
  }
}
