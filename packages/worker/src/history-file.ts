/**
 * The history on disk: a record a line as JSON, the oldest first. Several processes may append to one file.
 */
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  type Stats,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import * as z from 'zod'
import { type HistoryRecord, rememberedMax } from './history.ts'

const { O_APPEND, O_CREAT, O_NONBLOCK, O_RDONLY, O_RDWR } = constants

/** A file that has grown beyond this is trimmed. */
const trimBeyondBytes = 2 ** 20
/** Of a larger file the end is read. The largest reasons and keys that JSON can make of 120 records stay below it. */
const readBytesMax = 2 ** 24

/** The file as a worker has it open. Nothing here throws: what goes wrong with the file is said once, and again after it went well between. */
export class HistoryFile {
  /** What the file held when it was opened, the oldest first. */
  readonly remembered: readonly HistoryRecord[]
  readonly #path: string
  readonly #onFault: (error: unknown) => void
  #trimBeyondBytes = trimBeyondBytes
  #isFaulty = false

  private constructor(path: string, onFault: (error: unknown) => void) {
    this.#path = path
    this.#onFault = onFault
    this.remembered =
      this.#attempt(() => {
        appendTo(path, '')
        return this.#trim()
      }) ?? []
  }

  /** Creates the file and its directory where they are not there, and trims it. */
  static open(path: string, onFault: (error: unknown) => void): HistoryFile {
    return new HistoryFile(path, onFault)
  }

  append(record: HistoryRecord): void {
    this.#attempt(() => {
      if (appendTo(this.#path, `${JSON.stringify(record)}\n`) > this.#trimBeyondBytes) this.#trim()
    })
  }

  /** Writes it anew with what is remembered. A line that another process appends in this moment is lost: it is for people, and no message hangs on it. */
  #trim(): HistoryRecord[] {
    const { lines, size } = readLast(this.#path)
    const text = lines.map(({ line }) => `${line}\n`).join('')
    const textBytes = Buffer.byteLength(text)
    if (textBytes !== size) replace(this.#path, text)
    // Sixty long records may be larger than the bound: trimming at every line would write them all each time.
    this.#trimBeyondBytes = Math.max(trimBeyondBytes, 2 * textBytes)
    return lines.map(({ record }) => record)
  }

  #attempt<T>(act: () => T): T | undefined {
    try {
      const done = act()
      this.#isFaulty = false
      return done
    } catch (error) {
      if (!this.#isFaulty) this.#onFault(error)
      this.#isFaulty = true
      return undefined
    }
  }
}

/**
 * What is remembered in the file: the last 60 runs, the last 60 unreadable messages and the last start, the oldest first. Lines that are no records are passed over.
 * @throws the system's error (`ENOENT`, `EACCES`, …)
 */
export function readHistory(path: string): HistoryRecord[] {
  return readLast(path).lines.map(({ record }) => record)
}

interface HistoryLine {
  /** As it stands in the file: a newer version may say more in it than is known here. */
  readonly line: string
  readonly record: HistoryRecord
}

function readLast(path: string): { readonly lines: HistoryLine[]; readonly size: number } {
  const { text, size } = readEnd(path)
  const lines: HistoryLine[] = []
  const left = { run: rememberedMax, unreadable: rememberedMax, started: 1 }
  for (const line of text.split('\n').reverse()) {
    const record = parseRecord(line)
    if (record === undefined || left[record.kind] === 0) continue
    left[record.kind] -= 1
    lines.push({ line, record })
  }
  return { lines: lines.reverse(), size }
}

function readEnd(path: string): { readonly text: string; readonly size: number } {
  const file = openSync(path, O_RDONLY | O_NONBLOCK)
  try {
    const { size } = statOfFile(file, path)
    const bytes = Buffer.alloc(Math.min(size, readBytesMax))
    const read = readSync(file, bytes, { position: size - bytes.length })
    return { text: bytes.toString('utf8', 0, read), size }
  } finally {
    closeSync(file)
  }
}

/**
 * Appends in one write (O_APPEND), on a line of its own where a crash has torn the last one. The path is opened each time, for another process may
 * have replaced the file, or somebody removed it.
 * @returns bytes of the file
 */
function appendTo(path: string, line: string): number {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const file = openSync(path, O_RDWR | O_CREAT | O_APPEND | O_NONBLOCK, 0o600)
  try {
    const { size } = statOfFile(file, path)
    const last = Buffer.alloc(1)
    const isTorn = size > 0 && readSync(file, last, { position: size - 1 }) === 1 && last.toString() !== '\n'
    const bytes = Buffer.from(isTorn ? `\n${line}` : line)
    const written = bytes.length === 0 ? 0 : writeSync(file, bytes)
    if (written < bytes.length) throw new Error(`only ${written} of ${bytes.length} bytes could be written`)
    return size + written
  } finally {
    closeSync(file)
  }
}

/** @throws Error where it is none: a FIFO would be waited for */
function statOfFile(file: number, path: string): Stats {
  const stat = fstatSync(file)
  if (!stat.isFile()) throw new Error(`${path} is no file`)
  return stat
}

function replace(path: string, text: string): void {
  const temporary = `${path}.${process.pid}-${randomBytes(4).toString('hex')}`
  try {
    writeFileSync(temporary, text, { flag: 'wx', mode: 0o600, flush: true })
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}

function parseRecord(line: string): HistoryRecord | undefined {
  try {
    return Line.safeParse(JSON.parse(line)).data
  } catch {
    return undefined
  }
}

const count = z.number().int().nonnegative()
const time = z.iso.datetime()

const Line: z.ZodType<HistoryRecord> = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('run'),
    batch: z.string().exactOptional(),
    startedAt: time,
    durationMs: count,
    repository: z.string(),
    keys: count,
    messages: count,
    added: count,
    replaced: count,
    removed: count,
    kept: count,
    absent: count,
    refused: count,
    undecided: count,
    refusals: z.array(
      z.object({ key: z.string(), code: z.string(), reason: z.string(), delivery: count.exactOptional() }),
    ),
    publishes: count,
    conflicts: count,
    bytesSent: count,
    revision: z.string().exactOptional(),
    outcome: z.enum(['settled', 'held', 'failed']),
    reason: z.string().exactOptional(),
  }),
  z.object({ kind: z.literal('unreadable'), at: time, messageId: z.string(), delivery: count, reason: z.string() }),
  z.object({ kind: z.literal('started'), at: time, repositories: z.array(z.string()).exactOptional() }),
])
