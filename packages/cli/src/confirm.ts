import { createInterface } from 'node:readline/promises'
import type { Output } from './output.ts'

export interface Terminal {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly output: Pick<Output, 'isTerminal' | 'terminal'>
}

/** Whether there is somebody to ask. */
export function canAsk({ input, output }: Terminal): boolean {
  return input.isTTY === true && output.isTerminal
}

/** Asks, and takes nothing but yes for yes. @throws the signal's reason */
export async function confirm(question: string, { input, output }: Terminal, signal: AbortSignal): Promise<boolean> {
  const lines = createInterface({ input, output: output.terminal })
  // The terminal is in raw mode meanwhile: readline hears Ctrl-C, the process does not.
  lines.once('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  const ended = new Promise<string>((resolve) => lines.once('close', () => resolve('')))
  try {
    const answer = await Promise.race([lines.question(`${question} [y/N] `, { signal }), ended])
    return /^y(es)?$/i.test(answer.trim())
  } catch (error) {
    signal.throwIfAborted()
    throw error
  } finally {
    lines.close()
  }
}
