import { spawn } from 'node:child_process'

export interface Ended {
  /** The exit code, or the name of the signal that ended it. */
  readonly exitCode: number | string
  readonly output: string
}

/** Runs a command to its end; shows its output as it comes, or keeps it. The first word is looked up on PATH. */
export function runProcess(
  [command = '', ...parameters]: readonly string[],
  { show = false, environment = {} }: { show?: boolean; environment?: Record<string, string> } = {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const colours = process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}
    const child = spawn(command, parameters, {
      stdio: show ? ['ignore', 'inherit', 'inherit'] : ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...(show ? {} : colours), ...environment },
    })
    // Who ends this command ends what it started, too.
    const end = (signal: NodeJS.Signals): void => {
      child.kill(signal)
      process.exit(1)
    }
    process.once('SIGTERM', end).once('SIGINT', end)
    const chunks: Buffer[] = []
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.on('error', reject)
    child.on('close', (code, signal) => {
      process.off('SIGTERM', end).off('SIGINT', end)
      resolve({ exitCode: code ?? signal ?? 'unknown', output: Buffer.concat(chunks).toString() })
    })
  })
}
