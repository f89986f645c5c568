/**
 * What doors and keepers have to tell, as lines of a log.
 */
import type { DoorEvent, PublisherEvent } from '@repokeeper/door'
import { formatBytes } from '@repokeeper/repodata/format-bytes'
import type { Cli } from './cli.ts'
import { describeFailure } from './failure.ts'
import { count } from './text-layout.ts'

/** @param tellsReads of what was read a line each */
export function tellDoorEvent(event: DoorEvent, tellsReads: boolean, { output }: Cli): void {
  switch (event.kind) {
    case 'answered': {
      const { method, path, status, bytes, milliseconds, from, user, reason } = event
      if (!tellsReads && ['GET', 'HEAD'].includes(method)) break
      const who = user === undefined ? from : `${from} ${user}`
      const why = reason === undefined ? '' : `: ${reason}`
      output.tell(`${who} ${method} ${path} ${status} ${formatBytes(bytes)} ${milliseconds} ms${why}`)
      break
    }
    case 'broken off':
      output.tell(`${event.from} ${event.method} ${event.path} broken off: ${wordsOf(event.error)}`)
      break
    case 'fault':
      output.tell(`error: ${event.method} ${event.path}: ${wordsOf(event.error)}`)
      break
    default:
      event satisfies never
  }
}

export function tellPublisherEvent(event: PublisherEvent, { output }: Cli): void {
  switch (event.kind) {
    case 'published': {
      const { root, added, replaced, removed, milliseconds } = event
      const changes = `${count(added, 'package')} added, ${replaced} replaced, ${removed} removed`
      output.tell(`published ${nameOf(root)}: ${changes}, in ${Math.round(milliseconds)} ms`)
      break
    }
    case 'refused':
      output.tell(`warning: ${event.key} is not listed: ${event.reason} (${event.code})`)
      break
    case 'publish failed':
      output.tell(
        `error: ${nameOf(event.root)} could not be published: ${wordsOf(event.error)}; it is tried again in ${Math.ceil(event.retryMs / 1000)} s`,
      )
      break
    case 'not placed':
      output.tell(`error: ${event.key} could not be looked at: ${wordsOf(event.error)}`)
      break
    case 'drift':
      output.tell(
        `warning: ${nameOf(event.root)}: ${event.path}: ${event.problem}${event.healing ? '; it is mended' : ''}`,
      )
      break
    case 'cleaned up':
      output.tell(`cleared ${count(event.objects, 'superseded document')} of ${nameOf(event.root)} away`)
      break
    case 'upkeep failed':
      output.tell(`warning: upkeep of ${nameOf(event.root)}: ${wordsOf(event.error)}; it is tried again later`)
      break
    case 'survey failed':
      output.tell(
        `error: what was missed before the start is not known: ${wordsOf(event.error)}; the next audit finds it`,
      )
      break
    case 'watch failed':
      output.tell(`error: watching: ${wordsOf(event.error)}; audits find what is missed`)
      break
    default:
      event satisfies never
  }
}

function nameOf(root: string): string {
  return root === '' ? 'the top' : root
}

function wordsOf(error: unknown): string {
  return describeFailure(error, false).message
}
