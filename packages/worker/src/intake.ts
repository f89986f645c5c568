import { type Batches, interpretMessage, type ObjectChange, type RepositoryPlace } from '@repokeeper/repository'
import type { Buckets } from './buckets.ts'
import type { Clock } from './clock.ts'
import type { WorkerEvents } from './events.ts'
import type { HeldMessage, Inbox } from './inbox.ts'

export interface IntakeOptions {
  readonly inbox: Inbox
  readonly batches: Batches
  readonly buckets: Buckets
  readonly events: WorkerEvents
  readonly clock: Clock
  /** Repositories are looked for no longer. */
  readonly signal: AbortSignal
}

interface LocatedKey {
  readonly place: RepositoryPlace
  readonly key: string
  readonly eventTime: Date | undefined
}

/** Keys of one message whose repositories are looked for at the same time. */
const locatingMax = 16

/** From a message to the batches that it waits for. */
export class Intake {
  readonly #options: IntakeOptions

  constructor(options: IntakeOptions) {
    this.#options = options
  }

  /**
   * Adds what the message names to the batches of its repositories. What goes wrong is noted at the message. Gives `settle` where nothing of it
   * is to be waited for. Never rejects.
   */
  async take(message: HeldMessage, body: string): Promise<'settle' | 'wait'> {
    const { inbox, batches, events, clock } = this.#options
    const interpretation = interpretMessage(body)
    switch (interpretation.kind) {
      case 'test-event':
        events.emit('test-event', { messageId: message.id })
        return 'settle'
      case 'unreadable':
        this.#refuse(message, interpretation.reason)
        return 'settle'
      case 'changes': {
        for (const reason of interpretation.unreadable) this.#refuse(message, reason)
        try {
          const located = await this.#locate(message, interpretation.changes)
          // All of its keys at once: else the message could be complete while some are still to come.
          for (const { place, key, eventTime } of located) {
            inbox.expect(message, place, key, eventTime)
            batches.add(place, key, message.id, clock.now())
          }
        } catch (error) {
          message.faults.push(error)
        }
        return message.pending.size === 0 ? 'settle' : 'wait'
      }
    }
  }

  #refuse(message: HeldMessage, reason: string): void {
    message.refusals.push({ code: 'UNREADABLE', reason })
    const { id: messageId, receiveCount } = message
    this.#options.events.emit('unreadable', { messageId, receiveCount, reason })
  }

  /** Keys that are none of ours are left out. */
  async #locate(message: HeldMessage, changes: readonly ObjectChange[]): Promise<LocatedKey[]> {
    const { buckets, events, signal } = this.#options
    const found: LocatedKey[] = []
    const locate = async ({ bucket, key, eventTime }: ObjectChange) => {
      try {
        const place = await buckets.locate(bucket, key, signal)
        if (place.kind === 'package') found.push({ place: { bucket, root: place.root }, key, eventTime })
        else events.emit('passed-over', { messageId: message.id, bucket, key, why: place.why })
      } catch (error) {
        if (!signal.aborted) events.emit('locate-failed', { messageId: message.id, bucket, key, error })
        throw error
      }
    }
    for (let start = 0; start < changes.length; start += locatingMax) {
      await Promise.all(changes.slice(start, start + locatingMax).map(locate))
    }
    return found
  }
}
