import { z } from 'zod'
import { globMatches } from './glob.ts'
import { createRandom, type Random } from './random.ts'

const effect = z.enum(['before', 'after'])

const actionSchema = z.discriminatedUnion('kind', [
  /**
   * Answers with an error: before the operation does anything, or after it took effect. An operation that fails on its own
   * has no effect to hide: then its own error is what the client gets.
   */
  z.strictObject({
    kind: z.literal('error'),
    status: z.int().min(300).max(599),
    /** AWS's error code; default: the one that belongs to the status. */
    code: z.string().min(1).optional(),
    message: z.string().optional(),
    effect: effect.default('before'),
  }),
  /** Waits, by local-cloud's clock, before the operation starts or before its answer is sent. */
  z.strictObject({ kind: z.literal('delay'), milliseconds: z.int().min(0), effect: effect.default('before') }),
  /** Breaks the connection: before anything happened, after it took effect, or in the middle of the answer's body. */
  z.strictObject({
    kind: z.literal('drop'),
    at: z.enum(['before', 'after', 'body']).default('before'),
    /** For `body`: how many bytes still get through; default: half of them. */
    afterBytes: z.int().min(0).optional(),
  }),
  /** Acts as a store that doesn't know If-Match and If-None-Match on writes and deletes. */
  z.strictObject({ kind: z.literal('ignoreConditions') }),
  /** Allows nothing but this, as an IAM policy of these statements would. All take `*` and `?`; `prefix` is a condition on `s3:prefix`. */
  z.strictObject({
    kind: z.literal('deny'),
    allow: z.array(z.strictObject({ action: z.string(), resource: z.string(), prefix: z.string().optional() })),
  }),
  /** A message that arrives in a queue is there more than once, under one message id; each has to be deleted. */
  z.strictObject({ kind: z.literal('duplicate'), copies: z.int().min(2).max(10).default(2) }),
  /** A message that arrives goes to the front of its queue, or to a random place in it. */
  z.strictObject({ kind: z.literal('reorder'), order: z.enum(['reverse', 'shuffle']).default('shuffle') }),
  /** A message that arrives can be received only so much later, by local-cloud's clock. */
  z.strictObject({ kind: z.literal('hold'), milliseconds: z.int().min(0) }),
  /** A message that was accepted never arrives. */
  z.strictObject({ kind: z.literal('lose') }),
  /** What a receive takes stays visible: another receive gets it at once. */
  z.strictObject({ kind: z.literal('forgetVisibility') }),
])

export const faultRuleSchema = z.strictObject({
  /** Default: `rule-1`, `rule-2`, … A rule with the id of another takes its place. */
  id: z.string().min(1).optional(),
  /** What it strikes: all that are given must match; they take `*` and `?`. */
  service: z.enum(['s3', 'sqs']).optional(),
  /** AWS's names, such as `PutObject`. `Deliver` is the arrival of one message in a queue, whoever sent it. */
  operation: z.union([z.string(), z.array(z.string())]).optional(),
  bucket: z.string().optional(),
  key: z.string().optional(),
  queue: z.string().optional(),
  /** The body of a message that arrives. */
  body: z.string().optional(),
  /** The access key id that the caller uses: rules for one process of several. */
  accessKey: z.string().optional(),
  /** Only from the n-th matching call on, counted from 1. */
  from: z.int().min(1).default(1),
  /** Strikes so often, then no more. */
  count: z.int().min(1).optional(),
  /** Strikes each matching call with this probability. */
  probability: z.number().min(0).max(1).default(1),
  action: actionSchema,
})

/** What a test writes down. */
export type FaultRule = z.input<typeof faultRuleSchema>
export type FaultAction = z.output<typeof actionSchema>
type KnownRule = z.output<typeof faultRuleSchema> & { readonly id: string }

/** What a rule is matched against. */
export interface Subject {
  readonly service: 's3' | 'sqs'
  readonly operation: string
  readonly bucket?: string
  readonly key?: string
  readonly queue?: string
  readonly body?: string
  readonly accessKey?: string
}

/** The rules that struck one call, in the order in which they were added. */
export interface Strikes {
  readonly ids: readonly string[]
  all<K extends FaultAction['kind']>(kind: K): Extract<FaultAction, { kind: K }>[]
}

/** A rule with what it did so far. */
export interface FaultReport {
  readonly rule: KnownRule
  readonly matched: number
  readonly struck: number
}

/** Actions that are for the arrival of a message, whatever operation brought it. */
const deliveryKinds: ReadonlySet<FaultAction['kind']> = new Set(['duplicate', 'reorder', 'hold', 'lose'])

export class Faults {
  readonly #rules = new Map<string, { rule: KnownRule; random: Random; matched: number; struck: number }>()
  readonly #seed: number
  #named = 0

  constructor(seed: number, rules: readonly FaultRule[] = []) {
    this.#seed = seed
    for (const rule of rules) this.add(rule)
  }

  /**
   * @returns the rule's id.
   * @throws z.ZodError for a rule that is none.
   */
  add(input: FaultRule): string {
    this.#named += 1
    const rule = { id: `rule-${this.#named}`, ...definedOnly(faultRuleSchema.parse(input)) }
    // A generator of its own: what other rules draw must not change what this one does.
    this.#rules.set(rule.id, { rule, random: createRandom(this.#seed + this.#named), matched: 0, struck: 0 })
    return rule.id
  }

  /** @returns whether there was such a rule. */
  remove(id: string): boolean {
    return this.#rules.delete(id)
  }

  clear(): void {
    this.#rules.clear()
  }

  list(): FaultReport[] {
    return [...this.#rules.values()].map(({ rule, matched, struck }) => ({ rule, matched, struck }))
  }

  /** Decides which rules strike this call, and counts it. */
  strike(subject: Subject): Strikes {
    const struck: KnownRule[] = []
    for (const state of this.#rules.values()) {
      if (!matches(state.rule, subject)) continue
      state.matched += 1
      const { from, count, probability } = state.rule
      if (state.matched < from || (count !== undefined && state.struck >= count)) continue
      if (probability < 1 && state.random() >= probability) continue
      state.struck += 1
      struck.push(state.rule)
    }
    return {
      ids: struck.map((rule) => rule.id),
      all<K extends FaultAction['kind']>(kind: K) {
        const isOfKind = (action: FaultAction): action is Extract<FaultAction, { kind: K }> => action.kind === kind
        return struck.map((rule) => rule.action).filter(isOfKind)
      },
    }
  }
}

function matches(rule: KnownRule, subject: Subject): boolean {
  if (deliveryKinds.has(rule.action.kind) !== (subject.operation === 'Deliver')) return false
  if (rule.service !== undefined && rule.service !== subject.service) return false
  const operations = rule.operation === undefined ? [] : [rule.operation].flat()
  // A delivery rule needs no operation: its kind says it.
  const named = operations.length === 0 || operations.some((operation) => globMatches(operation, subject.operation))
  return (
    named &&
    (['bucket', 'key', 'queue', 'body', 'accessKey'] as const).every((field) => {
      const pattern = rule[field]
      return pattern === undefined || globMatches(pattern, subject[field] ?? '')
    })
  )
}

/** So that an `id` of undefined doesn't hide the default. */
function definedOnly<T extends { id?: string | undefined }>(rule: T): Omit<T, 'id'> & { id?: string } {
  const { id, ...rest } = rule
  return id === undefined ? rest : { ...rest, id }
}
