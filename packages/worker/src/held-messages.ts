import type { WorkerEventMap, WorkerEvents } from './events.ts'

/** The messages that the worker holds, as its events tell it: no more than it holds itself. */
export class HeldMessages {
  /** Each with the time at which it was sent, where the queue says so. */
  readonly #sentAt = new Map<string, Date | undefined>()
  readonly close: () => void

  constructor(events: WorkerEvents) {
    const release = ({ messageId }: { readonly messageId: string }): void => void this.#sentAt.delete(messageId)
    const handlers: { readonly [E in keyof WorkerEventMap]?: (event: WorkerEventMap[E]) => void } = {
      received: ({ messageId, sentAt }) => void this.#sentAt.set(messageId, sentAt),
      deleted: release,
      'delete-failed': release,
      released: release,
      'release-failed': release,
    }
    this.close = events.subscribe((name, event) => handlers[name]?.(event))
  }

  get count(): number {
    return this.#sentAt.size
  }

  /** When the oldest of them was sent to the queue; `undefined` where none is held, or the queue doesn't say. */
  get oldestSentAt(): Date | undefined {
    let oldest: Date | undefined
    for (const sentAt of this.#sentAt.values()) {
      if (sentAt !== undefined && (oldest === undefined || sentAt < oldest)) oldest = sentAt
    }
    return oldest
  }
}
