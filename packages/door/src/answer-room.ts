/**
 * Answers that are kept in memory until whoever asked has read them. Most are sentences; that of a PROPFIND may have megabytes, and who asks for
 * many of them and reads none must not fill the memory.
 */
import type { Writable } from 'node:stream'
import { type Answer, sentence } from './answer.ts'

/** Not counted: a page or a sentence. */
const smallCharacters = 65_536

export class AnswerRoom {
  readonly #charactersMax: number
  #kept = 0

  constructor(charactersMax: number) {
    this.#charactersMax = charactersMax
  }

  /** @returns it, or that there is no room for it just now */
  admit(answer: Answer, response: Pick<Writable, 'destroyed' | 'once'>): Answer {
    const size = answer.body.kind === 'text' ? answer.body.text.length : 0
    if (size <= smallCharacters || response.destroyed) return answer
    if (this.#kept + size > this.#charactersMax) {
      return sentence(503, 'too many long answers are on their way; try again', { 'Retry-After': '5' })
    }
    this.#kept += size
    response.once('close', () => {
      this.#kept -= size
    })
    return answer
  }
}
