import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import type { Clock } from '../clock.ts'
import type { Faults } from '../faults.ts'
import { readJsonFile, writeJsonFile } from '../json-file.ts'
import type { Random } from '../random.ts'
import { changeAttributes, defaultAttributes, numberOf, redrivePolicyOf } from './attributes.ts'
import { SqsError } from './error.ts'
import type { Message, MessageAttributes } from './message.ts'
import { Queue, type QueueState, queueStateSchema } from './queue.ts'

export const accountId = '000000000000'

export interface QueuesOptions {
  /** A JSON file. */
  readonly path: string
  readonly clock: Clock
  readonly region: string
  readonly faults: Faults
  readonly random: Random
}

/** Queues are in memory; their file follows so much later, and at once when local-cloud is stopped. */
const saveAfterMilliseconds = 500

/** All queues, and what goes from one to another. */
export class Queues {
  readonly #options: QueuesOptions
  readonly #queues = new Map<string, Queue>()
  readonly #purged = new Map<string, number>()
  #saveTimer: NodeJS.Timeout | undefined
  #saving: Promise<void> = Promise.resolve()

  private constructor(options: QueuesOptions, states: readonly QueueState[]) {
    this.#options = options
    for (const state of states) this.#add(state)
  }

  static async open(options: QueuesOptions): Promise<Queues> {
    await mkdir(dirname(options.path), { recursive: true })
    const states = existsSync(options.path) ? await readJsonFile(options.path, z.array(queueStateSchema)) : []
    return new Queues(options, states)
  }

  /** By name. */
  list(): readonly Queue[] {
    return [...this.#queues.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** @throws SqsError QueueDoesNotExist */
  queue(name: string): Queue {
    const queue = this.#queues.get(name)
    if (queue === undefined) throw new SqsError('QueueDoesNotExist', 'The specified queue does not exist.')
    return queue
  }

  /** By ARN; its region doesn't count. */
  findByArn(arn: string): Queue | undefined {
    return this.#queues.get(arn.split(':').at(5) ?? '')
  }

  arnOf(name: string): string {
    return `arn:aws:sqs:${this.#options.region}:${accountId}:${name}`
  }

  /**
   * The queue of that name; made, or there already with the same attributes.
   * @throws SqsError QueueNameExists, InvalidParameterValue, InvalidAttribute…
   */
  create(name: string, given: Readonly<Record<string, string>>): Queue {
    if (name.endsWith('.fifo')) throw new SqsError('UnsupportedOperation', 'local-cloud has no FIFO queues.')
    if (!/^[\w-]{1,80}$/.test(name)) {
      throw new SqsError(
        'InvalidParameterValue',
        'Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length',
      )
    }
    const attributes = changeAttributes(defaultAttributes, given, (arn) => this.findByArn(arn) !== undefined)
    const existing = this.#queues.get(name)
    if (existing !== undefined) {
      const other = Object.keys(given).find((each) => existing.attributes[each] !== attributes[each])
      if (other === undefined) return existing
      throw new SqsError(
        'QueueNameExists',
        `A queue already exists with the same name and a different value for attribute ${other}`,
      )
    }
    const now = this.#options.clock.now()
    const queue = this.#add({ name, attributes: { ...attributes }, created: now, modified: now, entries: [] })
    this.#save()
    return queue
  }

  /** @throws SqsError InvalidAttribute… */
  configure(queue: Queue, change: Readonly<Record<string, string>>): void {
    queue.attributes = changeAttributes(queue.attributes, change, (arn) => this.findByArn(arn) !== undefined)
    queue.modified = this.#options.clock.now()
    this.#save()
  }

  delete(queue: Queue): void {
    this.#queues.delete(queue.name)
    this.#save()
  }

  /** @throws SqsError PurgeQueueInProgress: once in 60 seconds, as on AWS. */
  purge(queue: Queue): void {
    const now = this.#options.clock.now()
    if (now < (this.#purged.get(queue.name) ?? 0) + 60_000) {
      throw new SqsError(
        'PurgeQueueInProgress',
        `Only one PurgeQueue operation on ${queue.name} is allowed every 60 seconds.`,
      )
    }
    this.#purged.set(queue.name, now)
    queue.purge()
  }

  /** @returns the new message, as it was accepted; the faults of its delivery strike here. */
  send(
    queue: Queue,
    sent: Pick<Message, 'body' | 'senderId'> & { readonly attributes?: MessageAttributes },
    delaySeconds?: number,
  ): Message {
    const sentAt = this.#options.clock.now()
    const message: Message = { id: randomUUID(), attributes: {}, ...sent, sentAt, receiveCount: 0 }
    this.#deliver(queue, message, delaySeconds)
    return message
  }

  /** The queues that have this one as their dead-letter queue. */
  sourcesOf(queue: Queue): readonly Queue[] {
    return this.list().filter((source) => {
      const target = redrivePolicyOf(source.attributes)?.deadLetterTargetArn
      return target !== undefined && this.findByArn(target) === queue
    })
  }

  async close(): Promise<void> {
    clearTimeout(this.#saveTimer)
    await this.#write()
  }

  #add(state: QueueState): Queue {
    const queue = new Queue(state, this.#options.clock, {
      onChange: () => this.#save(),
      moveToDeadLetters: (source, message) => this.#moveToDeadLetters(source, message),
    })
    this.#queues.set(state.name, queue)
    return queue
  }

  #deliver(queue: Queue, message: Message, delaySeconds: number | undefined): void {
    const { faults, random } = this.#options
    const strikes = faults.strike({ service: 'sqs', operation: 'Deliver', queue: queue.name, body: message.body })
    if (strikes.all('lose').length > 0) return
    const held = strikes.all('hold').reduce((sum, { milliseconds }) => sum + milliseconds, 0)
    const delayMilliseconds = (delaySeconds ?? numberOf(queue.attributes, 'DelaySeconds')) * 1000 + held
    const order = strikes.all('reorder').at(0)?.order
    const copies = strikes.all('duplicate').reduce((most, action) => Math.max(most, action.copies), 1)
    for (let copy = 0; copy < copies; copy++) {
      const place = order === 'reverse' ? 'front' : order === 'shuffle' ? { at: random() } : 'back'
      queue.add(message, { delayMilliseconds, place })
    }
  }

  #moveToDeadLetters(source: Queue, message: Message): boolean {
    const policy = redrivePolicyOf(source.attributes)
    const target = policy && this.findByArn(policy.deadLetterTargetArn)
    if (target === undefined) return false
    target.add({ ...message, deadLetterSourceArn: this.arnOf(source.name) })
    return true
  }

  #save(): void {
    if (this.#saveTimer !== undefined) return
    this.#saveTimer = setTimeout(() => {
      this.#saveTimer = undefined
      this.#write().catch((error) => process.emitWarning(`local-cloud could not save its queues: ${error}`))
    }, saveAfterMilliseconds)
    this.#saveTimer.unref()
  }

  #write(): Promise<void> {
    const states = this.list().map((queue) => queue.state)
    this.#saving = this.#saving.catch(() => {}).then(() => writeJsonFile(this.#options.path, states))
    return this.#saving
  }
}
