import type { Cli } from './cli.ts'

/** Node's warnings as lines of ours. That a part of Node is experimental (node:sqlite in Node 22) is not for the person at the keyboard. */
export function tellWarnings(output: Cli['output'], { REPOKEEPER_DEBUG }: Cli['environment']): void {
  process.removeAllListeners('warning')
  process.on('warning', ({ name, message }) => {
    if (name !== 'ExperimentalWarning' || REPOKEEPER_DEBUG) output.tell(`${name}: ${message}`)
  })
}
