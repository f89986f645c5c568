// Asks the worker how it is, and shows the answer.
// @ts-check
import { barChart } from './chart.js'
import { at, element } from './elements.js'
import { offerRepositories } from './search.js'
import { jobTable, refusedTable, repositoryTable, runTable } from './tables.js'
import { amount, clockTime, count, duration, lastPart, placeOf, secondsBetween } from './words.js'

const askEveryMs = 5_000
const askEveryHiddenMs = 60_000
const answerWithinMs = 4_000
const runsShown = 12
const refusedShown = 12
const daysShown = 30
/** Of both sides together, in CSS pixels. */
const figurePadding = 34

const shown = new Map()
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer
/** @type {Date | undefined} */
let silentSince
let asking = false

/** Asks now, and goes on asking. */
async function ask() {
  clearTimeout(timer)
  if (asking) return
  asking = true
  try {
    const answers = await askAll()
    silentSince = answers === undefined ? (silentSince ?? new Date()) : undefined
    showSilence()
    if (answers !== undefined) show(...answers)
  } finally {
    asking = false
    timer = setTimeout(ask, document.hidden ? askEveryHiddenMs : askEveryMs)
  }
}

/** @returns {Promise<[any, any[], any[]] | undefined>} nothing where the worker does not answer */
async function askAll() {
  try {
    const [status, history, scheduled] = await Promise.all(['status', 'history', 'scheduledJobs'].map(fetchJson))
    return [status, history.runs, scheduled]
  } catch {
    return undefined
  }
}

/** @param {string} path */
async function fetchJson(path) {
  const answer = await fetch(path, { signal: AbortSignal.timeout(answerWithinMs), cache: 'no-store' })
  // A worker that is not ready may say so by its code, too; what it says is what counts.
  if (!answer.ok && answer.status !== 503) throw new Error(`${path}: ${answer.status}`)
  return answer.json()
}

function showSilence() {
  const place = at('silence')
  place.hidden = silentSince === undefined
  document.body.classList.toggle('stale', silentSince !== undefined)
  if (silentSince === undefined) return
  const old = shown.has('figures') ? ' What stands here is older than that.' : ''
  put('silence', `The worker has not answered since ${clockTime(silentSince)}. It is asked again all the time.${old}`)
}

/** @param {any} status @param {any[]} runs @param {any[]} jobs */
function show(status, runs, jobs) {
  const now = Date.parse(status.now)
  const queue = lastPart(status.queue ?? '')
  document.title = `${queue} · repokeeper`
  put('queue', queue)
  put('asked', `Last answer at ${clockTime(new Date())}.`)
  put('about', `repokeeper ${status.version}, up for ${duration(secondsBetween(status.startedAt, now))}`)
  showVerdict(status, now)
  showFigures(status)
  // As wide as there is room, so that its words are as large as all others.
  once('days', [status.perDay, at('days').clientWidth], ([days, width]) =>
    barChart(days.slice(-daysShown), width - figurePadding),
  )
  once('runs', runs.slice(0, runsShown), runTable)
  once('refused', (status.refused ?? []).slice(0, refusedShown), refusedTable)
  once('repositories', status.repositories ?? [], repositoryTable)
  offerRepositories(status.repositories ?? [])
  once('jobs', jobs, jobTable)
}

/** @param {any} status @param {number} now */
function showVerdict({ ready, publishing, held, queueDepth }, now) {
  const dead = queueDepth?.deadLetters ?? 0
  const cares = [
    dead > 0 && `${count(dead, 'message')} in the dead-letter queue: what could not be indexed after several tries.`,
    held > 0 && `${count(held, 'key')} held back: the store or the disk is out, and they are tried again.`,
  ].filter((care) => care !== false)
  const health = !ready.ok ? 'bad' : cares.length > 0 ? 'warn' : 'good'
  const words = { good: 'All is well', warn: 'Working, with something to look at', bad: 'Not ready' }
  at('verdict').dataset.health = health
  put('health', words[health])
  once('reasons', [...(ready.ok ? [] : ready.reasons), ...cares], (reasons) =>
    reasons.map((/** @type {string} */ reason) => element('li', {}, reason)),
  )
  const doing = publishing.map(
    (/** @type {any} */ one) =>
      `Publishing ${count(one.keys, 'key')} of ${placeOf(one)} for ${duration(secondsBetween(one.since, now))}.`,
  )
  once('doing', doing.length > 0 ? doing : ['Waiting for messages.'], (lines) =>
    lines.map((/** @type {string} */ line) => element('li', {}, line)),
  )
}

/** @param {any} status */
function showFigures({ latency, queueDepth, perDay }) {
  const { visible, inFlight, delayed, oldestAgeSeconds, deadLetters } = queueDepth ?? {}
  const today = perDay?.at(-1) ?? { added: 0, replaced: 0, removed: 0 }
  const isMeasured = (latency?.count ?? 0) > 0
  const figures = [
    {
      term: 'Upload to installable',
      value: isMeasured ? duration(latency.p50Seconds) : '–',
      note: isMeasured
        ? `half of ${count(latency.count, 'upload')}; 95 % within ${duration(latency.p95Seconds)}`
        : 'nothing was published yet',
    },
    {
      term: 'In the queue',
      value: amount(visible),
      note: `${amount(inFlight)} in work, ${amount(delayed)} delayed`,
    },
    {
      term: 'Oldest message',
      value: typeof oldestAgeSeconds === 'number' ? duration(oldestAgeSeconds) : '–',
      note: typeof oldestAgeSeconds === 'number' ? 'waits for so long' : visible === 0 ? 'nothing waits' : 'not known',
    },
    {
      term: 'Dead letters',
      value: amount(deadLetters),
      note: deadLetterNote(deadLetters),
      care: deadLetters > 0 ? 'warn' : '',
    },
    {
      term: 'Today',
      value: amount(today.added + today.replaced),
      note: `${amount(today.added)} added, ${amount(today.replaced)} replaced, ${amount(today.removed)} removed`,
    },
  ]
  once('figures', figures, () =>
    figures.map(({ term, value, note, care = '' }) =>
      element(
        'div',
        { class: care },
        element('dt', {}, term),
        element('dd', {}, value),
        element('dd', { class: 'note' }, note),
      ),
    ),
  )
}

/** Fills a place where there is something new to show: what somebody reads or has selected is not taken away each time. */
/** @param {string} id @param {any} value @param {(value: any) => Element[]} make */
function once(id, value, make) {
  const key = JSON.stringify([new Date().toDateString(), value])
  if (shown.get(id) === key) return
  shown.set(id, key)
  at(id).replaceChildren(...make(value))
}

/** @param {string} id @param {string} text */
function put(id, text) {
  const place = at(id)
  if (place.textContent !== text) place.textContent = text
}

/** @param {number | null | undefined} deadLetters */
function deadLetterNote(deadLetters) {
  if (typeof deadLetters !== 'number') return 'the queue has none, or they may not be counted'
  return deadLetters > 0 ? 'given up after several tries' : 'nothing was given up'
}

document.addEventListener('visibilitychange', () => {
  if (!document.hidden) void ask()
})
void ask()
