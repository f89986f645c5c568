/** Runs programs in processes that have them loaded already: as many processes as runs go on at once. */
import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { own } from '../../../fixtures/cloud-process.ts'
import type { Order, Outcome } from './warm-program.ts'

const idle: ChildProcess[] = []

/** @throws Error where the process dies of the run */
export async function runWarm(order: Order): Promise<Outcome> {
  const child = takeIdle() ?? start(order.environment)
  const outcome = await carriedOut(child, order)
  idle.push(child)
  return outcome
}

function takeIdle(): ChildProcess | undefined {
  for (let child = idle.pop(); child !== undefined; child = idle.pop()) if (child.connected) return child
  return undefined
}

function start({ PATH, NODE_COMPILE_CACHE }: Order['environment']): ChildProcess {
  const child = fork(join(import.meta.dirname, 'warm-program.ts'), {
    env: { PATH, NODE_COMPILE_CACHE },
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  // They end with this process, and do not hold it up.
  child.unref()
  child.channel?.unref()
  return own(child)
}

function carriedOut(child: ChildProcess, order: Order): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const settle = (): void => void child.off('message', onMessage).off('exit', onExit)
    const onMessage = (outcome: Outcome): void => {
      settle()
      resolve(outcome)
    }
    const onExit = (code: number | null, signal: NodeJS.Signals | null): void => {
      settle()
      reject(new Error(`${order.program} ${order.words.join(' ')} ended its process: ${code ?? signal}`))
    }
    child.on('message', onMessage).on('exit', onExit)
    child.send(order, (error) => {
      if (error !== null) reject(error)
    })
  })
}
