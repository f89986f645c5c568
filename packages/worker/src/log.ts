import { Writable } from 'node:stream'
import pino from 'pino'
import * as z from 'zod'
import { type EventLevel, levelOf, messageOf, textOf } from './event-text.ts'
import type { WorkerEvents } from './events.ts'

export interface LogOptions {
  readonly level: EventLevel
  /** `auto`: text on a terminal. */
  readonly format: 'auto' | 'json' | 'text'
  readonly stream: NodeJS.WritableStream & { readonly isTTY?: boolean }
}

/**
 * Writes every event as a line: JSON with its fields (`event`, `msg`, …), or on a terminal the time, the level and the sentence. Gives what ends it.
 * Events hold no secrets; what an error of a library may have put into its message is taken out.
 */
export function logEvents(events: WorkerEvents, { level, format, stream }: LogOptions): () => void {
  const isText = format === 'text' || (format === 'auto' && stream.isTTY === true)
  const logger = pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    new Writable({
      decodeStrings: false,
      write: (line: string, _encoding, done) => {
        stream.write(isText ? readableLine(line) : line)
        done()
      },
    }),
  )
  return events.subscribe((name, event) => {
    const { error, ...fields } = { error: undefined, ...event }
    const cause = error === undefined ? {} : { error: withoutSecrets(messageOf(error)), causes: causesOf(error) }
    logger[levelOf(name, event)]({ event: name, ...fields, ...cause }, withoutSecrets(textOf(name, event)))
  })
}

/** `12:34:56 warn  the sentence`, from a line that pino wrote. */
function readableLine(line: string): string {
  const { time, level, msg } = LogLine.parse(JSON.parse(line))
  return `${time.slice(11, 19)} ${level === 'info' ? '' : `${level}: `}${msg}\n`
}

const LogLine = z.object({ time: z.string(), level: z.string(), msg: z.string() })

/** Five at most: what an error was caused by, outermost first. */
function causesOf(error: unknown): string[] {
  const causes: string[] = []
  for (let cause = error; cause instanceof Error && causes.length < 5; cause = cause.cause) {
    if (cause !== error) causes.push(withoutSecrets(messageOf(cause)))
  }
  return causes
}

/** User information in URLs, signatures and tokens in queries. */
export function withoutSecrets(text: string): string {
  return text
    .replace(/(\bhttps?:\/\/)[^/@\s]+@/gi, '$1')
    .replace(/\b(X-Amz-(?:Signature|Credential|Security-Token)|Token|AWSAccessKeyId|Signature)=[^&\s"']+/gi, '$1=…')
}
