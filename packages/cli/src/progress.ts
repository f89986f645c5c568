/**
 * How far a long piece of work has come: a bar on a terminal, now and then a line in a log.
 */
import { formatBytes } from '@repokeeper/repodata/format-bytes'
import cliProgress from 'cli-progress'
import type { Output } from './output.ts'

export interface Progress {
  /** Amounts are bytes or pieces, as `unit` said. */
  advance(amount: number): void
  setTotal(total: number): void
  /** The bar goes, and what was printed meanwhile appears. */
  end(): void
}

export interface ProgressOptions {
  /** What is done, as in "checking and uploading". */
  readonly doing: string
  readonly unit: 'bytes' | 'packages' | 'pages'
  readonly total: number
  /** Milliseconds of a clock that does not run backwards. */
  readonly now?: () => number
}

export function startProgress(output: Output, options: ProgressOptions): Progress {
  return output.isTerminal ? drawBar(output, options) : writeLines(output, options)
}

function drawBar(output: Output, { doing, unit, total }: ProgressOptions): Progress {
  const amount = unit === 'bytes' ? formatBytes : (count: number) => `${count} ${unit}`
  const bar = new cliProgress.SingleBar({
    stream: output.terminal,
    format: `${doing} [{bar}] {percentage}%  {done} of {all}  {eta_formatted} left`,
    barsize: 30,
    fps: 5,
    etaBuffer: 50,
    clearOnComplete: true,
    // What is switched off would stay so where a second Ctrl-C ends the process.
    hideCursor: null,
    linewrap: true,
    // Signals are the command's own affair; it ends the bar when it ends.
    gracefulExit: false,
  })
  let all = total
  let done = 0
  const payload = () => ({ done: amount(done), all: amount(all) })
  output.hold()
  bar.start(all, 0, payload())
  return {
    advance(more) {
      done = Math.min(all, done + more)
      bar.update(done, payload())
    },
    setTotal(newTotal) {
      all = newTotal
      bar.setTotal(all)
    },
    end() {
      bar.stop()
      output.release()
    },
  }
}

/** Between two lines; work that is done sooner leaves none. */
const betweenLinesMs = 10_000

function writeLines(output: Output, { doing, unit, total, now = () => performance.now() }: ProgressOptions): Progress {
  let all = total
  let done = 0
  let lastLineAt = now()
  return {
    advance(more) {
      done = Math.min(all, done + more)
      if (now() - lastLineAt < betweenLinesMs) return
      lastLineAt = now()
      const percent = all === 0 ? 100 : Math.floor((done / all) * 100)
      output.tell(`${doing}: ${percent} % of ${unit === 'bytes' ? formatBytes(all) : `${all} ${unit}`}`)
    },
    setTotal(newTotal) {
      all = newTotal
    },
    end() {},
  }
}
