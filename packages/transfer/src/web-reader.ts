/**
 * A web server as the clients of a repository meet it. What it decides has bounds: how often it sends elsewhere, how long it is silent, how
 * slow it is. How much it says is bounded by whoever reads. Not `fetch`: that undoes a Content-Encoding, and digests are of the bytes that came.
 */
import { Agent as HttpAgent, get as httpGet, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, get as httpsGet } from 'node:https'
import { setTimeout as delay } from 'node:timers/promises'
import type { ByteRange, SourceAnswer, SourceRequest, SourceVersion } from './source.ts'

export interface WebReaderOptions {
  /** A server that says nothing for so long is given up. Default: 30 s, as dnf's `timeout` is. */
  readonly silenceMs?: number
  /** Before a request is made once more. Default: half a second, and a second. */
  readonly pauseMs?: number
  readonly signal?: AbortSignal
  /** Milliseconds of a clock that does not run backwards. */
  readonly now?: () => number
}

export interface WebRequest extends SourceRequest {
  /** A body that breaks off is taken up again where it ended, if the server still has that version. */
  readonly resumes?: boolean
}

export type WebErrorCode = 'UNREACHABLE' | 'REFUSED' | 'TOO_SLOW' | 'CUT_OFF' | 'TOO_MANY_REDIRECTS'

/** The server does not give what it should. The message says which URL, and why. */
export class WebError extends Error {
  override readonly name = 'WebError'
  readonly code: WebErrorCode

  constructor(code: WebErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

const silenceMsDefault = 30_000
/** dnf's `minrate`: bytes a second, over the time of `silenceMs`. */
const bytesPerSecondMin = 1_000
const redirectsMax = 10
const attemptsMax = 3
const pauseMsDefault = 500

export class WebReader {
  readonly #agents = { 'http:': new HttpAgent({ keepAlive: true }), 'https:': new HttpsAgent({ keepAlive: true }) }
  readonly #options: WebReaderOptions

  constructor(options: WebReaderOptions = {}) {
    this.#options = options
  }

  /**
   * `absent` is what is not there, which S3 calls 403 for who may not list.
   * @throws WebError, and the body throws one where it breaks off or becomes slow
   */
  async get(url: URL, request: WebRequest = {}): Promise<SourceAnswer> {
    const { unless, range, resumes = false } = request
    const headers = { ...(unless && conditionOf(unless)), ...(range && rangeOf(range)) }
    const response = await this.#patiently(() => this.#follow(url, headers))
    switch (response) {
      case 'absent':
      case 'unchanged':
        return { kind: response }
      default: {
        const version = versionOf(response)
        if (range !== undefined) return { kind: 'found', version, body: this.#within(range, response, url) }
        const body =
          resumes && version !== undefined ? this.#resumed(response, url, version) : this.#body(response, url)
        return { kind: 'found', version, body }
      }
    }
  }

  close(): void {
    for (const agent of Object.values(this.#agents)) agent.destroy()
  }

  /** What may pass is tried again. */
  async #patiently<T>(work: () => Promise<T>): Promise<T> {
    const { pauseMs = pauseMsDefault, signal } = this.#options
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await work()
      } catch (error) {
        signal?.throwIfAborted()
        const isPassing = error instanceof WebError && error.code === 'UNREACHABLE'
        if (!isPassing || attempt === attemptsMax) throw error
        await delay(pauseMs * attempt, undefined, signal === undefined ? {} : { signal })
      }
    }
  }

  async #follow(first: URL, headers: Headers): Promise<IncomingMessage | 'absent' | 'unchanged'> {
    let url = first
    for (let redirects = 0; redirects <= redirectsMax; redirects += 1) {
      const response = await this.#request(url, headers)
      const { statusCode = 0 } = response
      if (statusCode === 200 || statusCode === 206) return response
      response.destroy()
      if (statusCode === 304) return 'unchanged'
      if (absentStatus.has(statusCode)) return 'absent'
      const { location } = response.headers
      if (redirectStatus.has(statusCode) && location !== undefined) url = target(url, location)
      else {
        const code = statusCode >= 500 || statusCode === 429 ? 'UNREACHABLE' : 'REFUSED'
        throw new WebError(code, `${shown(url)}: the server answers ${statusCode}`)
      }
    }
    throw new WebError('TOO_MANY_REDIRECTS', `${shown(first)}: it is sent elsewhere more than ${redirectsMax} times`)
  }

  #request(url: URL, conditions: Headers): Promise<IncomingMessage> {
    const { silenceMs = silenceMsDefault, signal } = this.#options
    const isSecure = url.protocol === 'https:'
    const get = isSecure ? httpsGet : httpGet
    const agent = this.#agents[isSecure ? 'https:' : 'http:']
    const headers = { 'accept-encoding': 'identity', 'user-agent': 'repokeeper', ...conditions }
    return new Promise((resolve, reject) => {
      const request = get(url, { agent, headers, ...(signal === undefined ? {} : { signal }) }, resolve)
      request.setTimeout(silenceMs, () => {
        request.destroy(new WebError('TOO_SLOW', `${shown(url)}: the server said nothing for ${silenceMs / 1000} s`))
      })
      request.on('error', (error) => reject(signal?.aborted ? signal.reason : unreachable(url, error)))
    })
  }

  /** RFC 9110, section 13.1.5 (If-Range): a server that has another version by now, or knows no ranges, begins at the start. */
  async *#resumed(first: IncomingMessage, url: URL, version: SourceVersion): AsyncGenerator<Uint8Array> {
    let response = first
    let length = 0
    for (let fruitless = 0; ; ) {
      try {
        for await (const chunk of this.#body(response, url)) {
          fruitless = 0
          length += chunk.length
          yield chunk
        }
        return
      } catch (error) {
        const isBroken = error instanceof WebError && (error.code === 'CUT_OFF' || error.code === 'TOO_SLOW')
        fruitless += 1
        if (!isBroken || fruitless === attemptsMax) throw error
        const headers = { range: `bytes=${length}-`, 'if-range': version }
        const rest = await this.#patiently(() => this.#follow(url, headers))
        if (typeof rest === 'string') throw error
        if (!continuesAt(rest, length)) {
          rest.destroy()
          throw error
        }
        response = rest
      }
    }
  }

  /** RFC 9110, section 14.2: a server may ignore a range, and gives all of it. */
  async *#within({ start, end }: ByteRange, response: IncomingMessage, url: URL): AsyncGenerator<Uint8Array> {
    const isWhole = response.statusCode !== 206
    if (!isWhole && !continuesAt(response, start)) {
      response.destroy()
      throw new WebError('REFUSED', `${shown(url)}: the server answers with other bytes than were asked for`)
    }
    let at = isWhole ? 0 : start
    for await (const chunk of this.#body(response, url)) {
      const wanted = chunk.subarray(Math.max(0, start - at), Math.max(0, end - at))
      at += chunk.length
      if (wanted.length > 0) yield wanted
      // An answer that is as long as was asked for ends by itself, and leaves the connection to the next request.
      if (isWhole ? at >= end : at > end) return
    }
  }

  async *#body(response: IncomingMessage, url: URL): AsyncGenerator<Uint8Array> {
    const { silenceMs = silenceMsDefault, now = () => performance.now(), signal } = this.#options
    const due = (bytesPerSecondMin * silenceMs) / 1000
    let since = now()
    let bytes = 0
    try {
      for await (const chunk of response) {
        yield chunk
        bytes += chunk.length
        if (now() - since < silenceMs) continue
        if (bytes < due) throw new WebError('TOO_SLOW', `${shown(url)}: ${bytes} bytes came in ${silenceMs / 1000} s`)
        since = now()
        bytes = 0
      }
    } catch (error) {
      signal?.throwIfAborted()
      if (error instanceof WebError || !isOfConnection(error)) throw error
      throw new WebError('CUT_OFF', `${shown(url)}: the answer ended early (${error.code})`, { cause: error })
    }
  }
}

type Headers = Readonly<Record<string, string>>

/**
 * A strong ETag (RFC 9110, section 8.8.3), else the time of the last change, if that was long enough ago that there can have been no second one
 * within it (section 8.8.2.2).
 */
function versionOf({ headers }: IncomingMessage): SourceVersion | undefined {
  const { etag, date, 'last-modified': lastModified } = headers
  if (etag?.startsWith('"')) return etag as SourceVersion
  const age = Date.parse(date ?? '') - Date.parse(lastModified ?? '')
  return age >= changesWithinMs ? (lastModified as SourceVersion) : undefined
}

const changesWithinMs = 2_000

function conditionOf(version: SourceVersion): Headers {
  return version.startsWith('"') ? { 'if-none-match': version } : { 'if-modified-since': version }
}

function rangeOf({ start, end }: ByteRange): Headers {
  return { range: `bytes=${start}-${end - 1}` }
}

function continuesAt({ statusCode, headers }: IncomingMessage, offset: number): boolean {
  return statusCode === 206 && (headers['content-range'] ?? '').startsWith(`bytes ${offset}-`)
}

const absentStatus: ReadonlySet<number> = new Set([403, 404, 410])
const redirectStatus: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

function target(from: URL, location: string): URL {
  const to = URL.parse(location, from.href)
  if (to !== null && (to.protocol === 'http:' || to.protocol === 'https:')) return to
  throw new WebError('REFUSED', `${shown(from)}: it is sent to ${JSON.stringify(location)}, which is no web address`)
}

function unreachable(url: URL, error: Error): WebError {
  if (error instanceof WebError) return error
  const reason = error.message || ('code' in error ? String(error.code) : error.name)
  return new WebError('UNREACHABLE', `${shown(url)}: ${reason}`, { cause: error })
}

function isOfConnection(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
}

/** Without a password, and without what follows the path: it may be a token, or what signs a link. */
function shown({ origin, pathname, search }: URL): string {
  return `${origin}${pathname}${search === '' ? '' : '?…'}`
}
