import type { ObjectStore } from '@repokeeper/object-store'
import type { PackageHit, RepositoryRoot, SearchReport } from '@repokeeper/repository'
import * as z from 'zod'
import type { Clock } from './clock.ts'
import type { KeptStores } from './kept-stores.ts'
import type { KnownRepositories, KnownRepository } from './known-repositories.ts'
import { WaitingLine } from './waiting-line.ts'

/**
 * The packages that are published in a repository and that a query finds; `undefined` where nothing is published.
 * @throws where the metadata cannot be read, and the reason of `givenUp` some time after that was aborted
 */
export type SearchPackages = (
  location: { readonly store: ObjectStore; readonly root: RepositoryRoot },
  options: { readonly words: string; readonly hitsMax: number; readonly givenUp: AbortSignal },
  /** Whose `signal` ends everything, also what others may wait for. */
  context: { readonly signal: AbortSignal },
) => Promise<SearchReport | undefined>

export type SearchAnswer =
  | { readonly kind: 'found'; readonly answer: FoundPackages }
  /** What is wrong with the question, all of it. */
  | { readonly kind: 'wrong question'; readonly problems: readonly string[] }
  | { readonly kind: 'not there'; readonly error: string }
  /** Others search: it is to be asked again later. */
  | { readonly kind: 'busy'; readonly error: string; readonly retryAfterSeconds: number }

/** Plain data, as JSON has it; times are ISO 8601, UTC. */
export interface FoundPackages {
  readonly repository: string
  readonly query: string
  readonly revision: string | null
  /** All that the repository lists, all of them that were found, and how many of these are not told of here. */
  readonly packages: number
  readonly found: number
  readonly more: number
  readonly hits: readonly ReturnType<typeof describeHit>[]
}

export interface PackageSearchOptions {
  readonly known: KnownRepositories
  readonly stores: Pick<KeptStores, 'of'>
  readonly search: SearchPackages
  readonly clock: Pick<Clock, 'after'>
}

/** A query that a person typed is shorter. */
const queryCharactersMax = 200
const wordsMax = 10
const hitsDefault = 20
const hitsMax = 100
const waitingMax = 4
const retryAfterSeconds = 2
/** Waiting included. A primary that has to be fetched first takes its time, and the next search finds it in the cache. */
const answerMs = 60_000

const Question = z.strictObject({
  repository: z.string('name one of the repositories that /status lists, as s3://bucket/path/'),
  q: z
    .string('give the words to look for')
    .max(queryCharactersMax, `it is longer than ${queryCharactersMax} characters`)
    .refine((text) => wordsOf(text) >= 1, 'give the words to look for')
    .refine((text) => wordsOf(text) <= wordsMax, `it has more than ${wordsMax} words`),
  limit: z
    .string()
    .regex(/^0*(?:[1-9][0-9]?|100)$/, `expected a whole number from 1 to ${hitsMax}`)
    .transform(Number)
    .default(hitsDefault),
})

type Question = z.output<typeof Question>

/**
 * Searches one repository for packages, of those that this worker knows and no others.
 *
 * `repository` is its name, `q` the words, of which each has to be found, in whatever case: as a part of the NEVRA, of the summary, or of
 * something that the package provides or requires. A word with `*` or `?` is a pattern, and stands for a whole name, `name.arch`, or NEVRA with
 * its release and architecture or without, as for `dnf list`. `limit` is how many are told of, 20 where nothing is said and 100 at most.
 *
 * It reads what the worker reads as well, so it is a guest: one search at a time, a few that wait, and an end to each.
 */
export class PackageSearch {
  readonly #options: PackageSearchOptions
  readonly #line = new WaitingLine(waitingMax)
  readonly #closing = new AbortController()
  /** Never rejects. */
  #running: Promise<unknown> = Promise.resolve()

  constructor(options: PackageSearchOptions) {
    this.#options = options
  }

  /** @param gone aborted when nobody waits for the answer any more */
  async answer(parameters: URLSearchParams, gone: AbortSignal): Promise<SearchAnswer> {
    const read = readQuestion(parameters)
    if ('problems' in read) return { kind: 'wrong question', problems: read.problems }
    const place = this.#options.known.find(read.repository)
    if (place === undefined) {
      return { kind: 'not there', error: 'this worker knows no such repository; /status lists those that it knows' }
    }
    const tooLong = new AbortController()
    const cancel = this.#options.clock.after(answerMs, () => tooLong.abort())
    const givenUp = AbortSignal.any([gone, tooLong.signal, this.#closing.signal])
    try {
      return await this.#search(place, read, givenUp)
    } catch (error) {
      if (!tooLong.signal.aborted) throw error
      return busy(`it was not done within ${answerMs / 1000} s; what was fetched for it is kept`)
    } finally {
      cancel()
    }
  }

  /** Gives up what is under way, and waits for its end. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('the worker has ended'))
    await this.#running
  }

  async #search(place: KnownRepository, { q: words, limit }: Question, givenUp: AbortSignal): Promise<SearchAnswer> {
    const { known, stores, search } = this.#options
    const { bucket, root } = place
    const name = `s3://${bucket}/${root}`
    const location = { store: stores.of(bucket), root }
    const options = { words, hitsMax: limit, givenUp }
    const report = await this.#inTurn(givenUp, () => search(location, options, { signal: this.#closing.signal }))
    if (report === 'too many') return busy('others are searching already')
    if (report === undefined) return { kind: 'not there', error: `nothing is published in ${name}` }
    // What was published or looked at meanwhile is newer.
    if (known.find(name) === place) known.lookedAt(place, report)
    return { kind: 'found', answer: describeReport(name, words, report) }
  }

  /** Whoever gives up is answered at once; the next one's turn comes when the work has ended. */
  async #inTurn<Result>(givenUp: AbortSignal, work: () => Promise<Result>): Promise<Result | 'too many'> {
    const leave = await this.#line.enter(givenUp)
    if (leave === undefined) return 'too many'
    const result = work().finally(leave)
    this.#running = result.catch(() => {})
    return await Promise.race([result, rejection(givenUp)])
  }
}

function readQuestion(parameters: URLSearchParams): Question | { readonly problems: string[] } {
  const repeated = [...new Set(parameters.keys())].filter((name) => parameters.getAll(name).length > 1)
  const { data, error } = Question.safeParse(Object.fromEntries(parameters))
  const issues = (error?.issues ?? []).flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => `${key}: there is no such parameter`)
      : [`${issue.path.join('.')}: ${issue.message}`],
  )
  const problems = [...issues, ...repeated.map((name) => `${name}: give it once`)]
  return data === undefined || problems.length > 0 ? { problems } : data
}

function wordsOf(text: string): number {
  return text.match(/\S+/g)?.length ?? 0
}

function busy(error: string): SearchAnswer {
  return { kind: 'busy', error, retryAfterSeconds }
}

function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

function describeReport(repository: string, query: string, report: SearchReport): FoundPackages {
  const { revision = null, packages, found, hits } = report
  return { repository, query, revision, packages, found, more: found - hits.length, hits: hits.map(describeHit) }
}

function describeHit({ nevra, location, base, size, built, modified, summary, requires, provides }: PackageHit) {
  return {
    nevra,
    location,
    base: base ?? null,
    size: size ?? null,
    builtAt: timeOf(built),
    modifiedAt: timeOf(modified),
    summary,
    requires,
    provides,
  }
}

/** The year 9999 ends here: what comes after has no date of four digits. */
const secondsMax = 253_402_300_799

function timeOf(seconds: number | undefined): string | null {
  return seconds === undefined || seconds > secondsMax ? null : new Date(seconds * 1000).toISOString()
}
