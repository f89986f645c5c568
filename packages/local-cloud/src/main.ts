#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { startLocalCloud } from './local-cloud.ts'

const usage = `S3 and SQS on this machine, for development and tests. Not for production: there is no security at all.

  node packages/local-cloud/src/main.ts --directory DIR [--host HOST] [--port N] [--region REGION] [--seed N]

  --directory DIR   where buckets and queues are kept
  --host HOST       where to listen (default 127.0.0.1)
  --port N          which port (default 0: any that is free)
  --region REGION   in the ARNs of queues (default us-east-1)
  --seed N          of the faults' chances (default 1)

When it is ready it prints one line: {"endpoint":"http://127.0.0.1:PORT","pid":N}. It stops on SIGTERM and SIGINT.
Faults, the log of calls and the clock: ${'http://127.0.0.1:PORT'}/_local/, see the README.
`

const optionsSchema = z.object({
  directory: z.string('--directory DIR is missing'),
  host: z.string().default('127.0.0.1'),
  port: z.coerce.number('--port takes a number').int().min(0).max(65535).default(0),
  region: z.string().default('us-east-1'),
  seed: z.coerce.number('--seed takes a number').int().default(1),
})

process.exitCode = await main()

async function main(): Promise<number> {
  const options = readOptions()
  if (options.kind !== 'options') {
    const isHelp = options.kind === 'help'
    ;(isHelp ? process.stdout : process.stderr).write(isHelp ? usage : `${options.reason}\n\n${usage}`)
    return isHelp ? 0 : 2
  }
  const cloud = await startLocalCloud(options.value)
  process.stdout.write(`${JSON.stringify({ endpoint: cloud.endpoint, pid: process.pid })}\n`)
  await new Promise<void>((resolve) => {
    process.once('SIGTERM', resolve)
    process.once('SIGINT', resolve)
  })
  await cloud.close()
  return 0
}

function readOptions() {
  const text = { type: 'string' } as const
  try {
    const { values } = parseArgs({
      options: {
        directory: text,
        host: text,
        port: text,
        region: text,
        seed: text,
        help: { type: 'boolean', short: 'h' },
      },
    })
    if (values.help) return { kind: 'help' as const }
    const parsed = optionsSchema.safeParse(values)
    if (parsed.success) return { kind: 'options' as const, value: parsed.data }
    return { kind: 'wrong' as const, reason: parsed.error.issues.map((issue) => issue.message).join('\n') }
  } catch (error) {
    return { kind: 'wrong' as const, reason: error instanceof Error ? error.message : String(error) }
  }
}
