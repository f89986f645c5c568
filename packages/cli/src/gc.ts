/**
 * The work of `gc`: what is deleted, said as it goes.
 */
import { formatBytes } from '@repokeeper/repodata/format-bytes'
import { carryOut, type PlannedDelete, planCleanUp, readForCleanUp } from '@repokeeper/repository'
import { formatDuration } from '@repokeeper/worker/duration'
import type { Cli } from './cli.ts'
import { ExitCode } from './failure.ts'
import type { OpenRepository } from './open-repository.ts'
import { count, formatTime, table } from './text-layout.ts'

interface GcOptions {
  readonly dryRun: boolean
  readonly json: boolean
  readonly retentionMs: number
  readonly keepGenerations: number
}

/** @returns the exit code: 0, also where there is nothing to delete */
export async function collect(repository: OpenRepository, options: GcOptions, { output }: Cli): Promise<number> {
  const { location, name } = repository
  const { dryRun, json, retentionMs, keepGenerations } = options
  const context = repository.context()
  const plan = planCleanUp(await readForCleanUp(location, context, { retentionMs, keepGenerations }))
  const lines = linesOf(plan.delete, dryRun)
  const printer = new InOrder(plan.delete, (planned) => {
    if (!json) output.print(lines.get(planned) ?? planned.name)
  })
  if (dryRun) for (const planned of plan.delete) printer.done(planned)
  else {
    await carryOut(location, plan, context, (planned) => printer.done(planned)).catch((error: unknown) => {
      printer.flush()
      output.tell(`${name}: ${printer.count} of ${plan.delete.length} deleted; the rest is left for the next time`)
      throw error
    })
    printer.flush()
  }
  // A generation that somebody began to use meanwhile stays.
  const deleted = plan.delete.filter((planned) => printer.isDone(planned))
  const bytes = deleted.reduce((sum, { size }) => sum + size, 0)
  if (json) {
    const retentionSeconds = retentionMs / 1_000
    const { keep } = plan
    output.printJson({
      repository: name,
      dryRun,
      ok: true,
      retentionSeconds,
      keepGenerations,
      bytes,
      delete: deleted,
      keep,
    })
  } else output.print(`${name}: ${verdict(deleted, bytes, options)}`)
  return ExitCode.done
}

/** Says what is done in the order in which it was planned, although much of it is done at the same time. */
class InOrder {
  readonly #planned: readonly PlannedDelete[]
  readonly #say: (planned: PlannedDelete) => void
  readonly #waiting = new Set<PlannedDelete>()
  readonly #done = new Set<PlannedDelete>()
  #next = 0

  constructor(planned: readonly PlannedDelete[], say: (planned: PlannedDelete) => void) {
    this.#planned = planned
    this.#say = say
  }

  done(planned: PlannedDelete): void {
    this.#done.add(planned)
    this.#waiting.add(planned)
    for (;;) {
      const next = this.#planned[this.#next]
      if (next === undefined || !this.#waiting.delete(next)) return
      this.#say(next)
      this.#next += 1
    }
  }

  get count(): number {
    return this.#done.size
  }

  isDone(planned: PlannedDelete): boolean {
    return this.#done.has(planned)
  }

  /** Says the rest of what is done, where something before it never will be. */
  flush(): void {
    for (const planned of this.#planned) if (this.#waiting.delete(planned)) this.#say(planned)
  }
}

/** A line for each object: what is done, what it is, its size, since when nothing names it. */
function linesOf(planned: readonly PlannedDelete[], dryRun: boolean): Map<PlannedDelete, string> {
  const rows = planned.map((one) => [
    dryRun ? 'would be deleted' : 'deleted',
    one.kind,
    formatBytes(one.size).padStart(6),
    `${one.kind === 'probe' ? 'left behind' : 'superseded'} ${formatTime(one.since)}`,
    one.kind === 'generation' ? `generations/${one.name}/` : `repodata/${one.name}`,
  ])
  const lines = table(rows)
  return new Map(planned.map((one, index) => [one, lines[index] ?? one.name]))
}

function verdict(deletes: readonly PlannedDelete[], bytes: number, options: GcOptions): string {
  const { dryRun, retentionMs, keepGenerations } = options
  if (deletes.length === 0) {
    const kept = keepGenerations === 1 ? '' : `, ${keepGenerations} generations kept`
    return `nothing to delete (retention ${formatDuration(retentionMs)}${kept})`
  }
  const kinds = [
    ['document', 'document', 'documents'],
    ['generation', 'generation', 'generations'],
    ['record', 'record of a generation', 'records of generations'],
    ['probe', 'left-over probe', 'left-over probes'],
  ] as const
  const parts = kinds.flatMap(([kind, singular, plural]) => {
    const number = deletes.filter((one) => one.kind === kind).length
    return number === 0 ? [] : [count(number, singular, plural)]
  })
  const what = `${parts.join(', ')}, ${formatBytes(bytes)}`
  return dryRun ? `would delete ${what} (dry run: nothing was changed)` : `deleted ${what}`
}
