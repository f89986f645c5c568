import { z } from 'zod'
import type { CallLog } from './call-log.ts'
import type { Clock } from './clock.ts'
import { type Faults, faultRuleSchema } from './faults.ts'
import { BodyTooLarge, type Request, type Response, readAll } from './http.ts'

const prefix = '/_local/'
const bodyBytesMax = 2 ** 20

/**
 * What the in-process API can do, over HTTP, for a local-cloud that is a process of its own. No bucket can have this name.
 *
 *     GET    /_local/health
 *     GET    /_local/faults         the rules, with how often they matched and struck
 *     POST   /_local/faults         add a rule, or a list of them → {"ids": […]}
 *     DELETE /_local/faults         forget all of them
 *     DELETE /_local/faults/ID      forget one
 *     GET    /_local/calls          the calls so far
 *     DELETE /_local/calls          forget them
 *     GET    /_local/clock          {"now": milliseconds}
 *     POST   /_local/clock          {"advanceMilliseconds": N}
 */
export class AdminDoor {
  readonly #clock: Clock
  readonly #faults: Faults
  readonly #calls: CallLog

  constructor(clock: Clock, faults: Faults, calls: CallLog) {
    this.#clock = clock
    this.#faults = faults
    this.#calls = calls
  }

  recognises(request: Request): boolean {
    return request.rawPath.startsWith(prefix)
  }

  async answer(request: Request): Promise<Response> {
    const [thing, id] = request.rawPath.slice(prefix.length).split('/')
    try {
      switch (`${request.method} ${thing}`) {
        case 'GET health':
          return json(200, { ok: true })
        case 'GET faults':
          return json(200, this.#faults.list())
        case 'POST faults': {
          const rules = z.array(faultRuleSchema).parse([await readJson(request)].flat())
          return json(200, { ids: rules.map((rule) => this.#faults.add(rule)) })
        }
        case 'DELETE faults':
          if (id === undefined) this.#faults.clear()
          else if (!this.#faults.remove(decodeURIComponent(id))) return json(404, { error: `there is no rule ${id}` })
          return json(200, {})
        case 'GET calls':
          return json(200, this.#calls.list())
        case 'DELETE calls':
          this.#calls.clear()
          return json(200, {})
        case 'GET clock':
          return json(200, { now: this.#clock.now() })
        case 'POST clock': {
          const change = z.strictObject({ advanceMilliseconds: z.number().min(0) }).parse(await readJson(request))
          this.#clock.advance(change.advanceMilliseconds)
          return json(200, { now: this.#clock.now() })
        }
        default:
          return json(404, { error: `there is no ${request.method} ${request.rawPath}` })
      }
    } catch (error) {
      if (error instanceof z.ZodError) return json(400, { error: z.prettifyError(error) })
      if (error instanceof SyntaxError || error instanceof BodyTooLarge) return json(400, { error: error.message })
      throw error
    }
  }
}

async function readJson(request: Request): Promise<unknown> {
  return JSON.parse((await readAll(request.body, bodyBytesMax)).toString('utf8'))
}

function json(status: number, value: unknown): Response {
  return { status, headers: { 'content-type': 'application/json' }, body: `${JSON.stringify(value)}\n` }
}
