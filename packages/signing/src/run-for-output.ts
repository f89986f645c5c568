import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { SigningError } from './signing-error.ts'

/** An armored signature has some 1,000 bytes. */
const outputBytesMax = 64 * 1024
/** Of what it says on its error output, the last so many: the reason comes last. */
const complaintBytesMax = 2_000
/** From the request to end to the end by force. */
const graceMilliseconds = 2_000

/**
 * Runs a program to its end, with `input` on its standard input. Whatever it starts is ended with it where it takes too long or says too
 * much: it has a process group of its own.
 *
 * @param command a line for /bin/sh, or a program with its arguments
 * @throws SigningError SIGNING_FAILED: with what it said on its error output
 */
export function runForOutput(
  command: string | readonly [string, ...string[]],
  input: Uint8Array,
  timeoutSeconds: number,
): Promise<Uint8Array> {
  const [program, ...parameters] = typeof command === 'string' ? (['/bin/sh', '-c', command] as const) : command
  return new Promise((resolve, reject) => {
    const child = spawn(program, parameters, { stdio: ['pipe', 'pipe', 'pipe'], detached: true })
    const output: Buffer[] = []
    let outputBytes = 0
    let complaint = Buffer.alloc(0)
    let ended: string | undefined
    let force: NodeJS.Timeout | undefined
    const end = (reason: string): void => {
      ended ??= reason
      signalGroup(child, 'SIGTERM')
      force ??= setTimeout(() => signalGroup(child, 'SIGKILL'), graceMilliseconds)
    }
    const timer = setTimeout(() => end(`it took longer than ${timeoutSeconds} s`), timeoutSeconds * 1000)
    const settle = (reason: string | undefined): void => {
      clearTimeout(timer)
      clearTimeout(force)
      if (reason === undefined) resolve(Buffer.concat(output))
      else reject(new SigningError('SIGNING_FAILED', failure(reason, complaint)))
    }
    child.stdout.on('data', (chunk: Buffer) => {
      outputBytes += chunk.length
      if (outputBytes > outputBytesMax) end(`it printed more than ${outputBytesMax} bytes, which no signature has`)
      else output.push(chunk)
    })
    child.stderr.on('data', (chunk: Buffer) => {
      complaint = Buffer.concat([complaint, chunk]).subarray(-complaintBytesMax)
    })
    child.on('error', (error) => settle(`it cannot be started (${'code' in error ? error.code : error.message})`))
    child.on('close', (code, signal) => {
      settle(ended ?? (code === 0 ? undefined : `it ended with ${code ?? signal}`))
    })
    // A program that fails before it has read everything is told of by its exit, not by the pipe.
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })
}

function signalGroup(child: ChildProcessByStdio<Writable, Readable, Readable>, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch (error) {
    // It has just ended by itself.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

/** The command itself is not told of: a passphrase may stand in it, and logs and histories are read by others. */
function failure(reason: string, complaint: Uint8Array): string {
  // A terminal is not to obey what a program writes.
  const said = Buffer.from(complaint)
    .toString('utf8')
    .replaceAll(/[^\P{C}\n]/gu, '')
    .trim()
  return `the signing command did not sign: ${reason}${said === '' ? '; it said nothing' : `; it said: ${said}`}`
}
