// Searches for packages where somebody asks for it: at Enter or the button, not while they type, because each search reads the list of a
// whole repository on the worker's machine. The address of the page keeps what was asked.
// @ts-check
import { at, element } from './elements.js'
import { hitItem } from './found.js'
import { amount, count, placeOf } from './words.js'

/** The endpoint tells of no more than `hitsMore`. */
const hitsFirst = 20
const hitsMore = 100
/** Somewhat longer than the worker takes at most. */
const foundWithinMs = 70_000

const question = /** @type {HTMLFormElement} */ (at('question'))
const place = /** @type {HTMLSelectElement} */ (at('place'))
const words = /** @type {HTMLInputElement} */ (at('words'))

/** @type {AbortController | undefined} the search that is under way */
let searching
/** What the address asks for and is not searched for yet: which repositories there are comes a moment after the page. */
let asked = readAddress()

/** The repositories that may be searched; what somebody has chosen among them stays chosen. @param {any[]} repositories */
export function offerRepositories(repositories) {
  const names = repositories.map(placeOf)
  const offered = Array.from(place.options, ({ value }) => value)
  question.hidden = names.length === 0
  if (names.length === 0)
    return say('No repository is known yet. One can be searched once this worker has looked at it.')
  if (offered.length === 0 && asked === undefined) say('')
  if (names.toSorted().join('\n') !== offered.join('\n')) {
    const chosen = place.value
    place.replaceChildren(...names.toSorted().map((name) => element('option', {}, name)))
    place.value = names.includes(chosen) ? chosen : (names[0] ?? '')
  }
  if (asked !== undefined) searchAsAsked(asked)
}

/** @param {{ repository: string | null, q: string }} wanted */
function searchAsAsked({ repository, q }) {
  asked = undefined
  words.value = q
  if (repository !== null) place.value = repository.replace(/\/?$/, '/')
  if (place.value === '') {
    place.selectedIndex = 0
    return fail(`This worker knows no repository ${repository}.`)
  }
  void search(hitsFirst)
}

/** @param {number} limit */
async function search(limit) {
  searching?.abort()
  const own = new AbortController()
  searching = own
  const repository = place.value
  say(`Searching ${repository} …`)
  at('hits').ariaBusy = 'true'
  const outcome = await fetchFound({ repository, q: words.value, limit: String(limit) }, own.signal)
  // Another search has begun meanwhile, and says what there is to say.
  if (searching !== own) return
  if (outcome.error === undefined) showFound(outcome.found, limit)
  else fail(outcome.error)
}

/** @param {Record<string, string>} parameters @param {AbortSignal} given @returns {Promise<{ found?: any, error?: string }>} */
async function fetchFound(parameters, given) {
  const signal = AbortSignal.any([given, AbortSignal.timeout(foundWithinMs)])
  try {
    const answer = await fetch(`packages?${new URLSearchParams(parameters)}`, { signal, cache: 'no-store' })
    const body = await answer.json()
    if (answer.ok) return { found: body }
    if (answer.status === 503) return { error: `The worker is busy: ${body.error}. Search again in a moment.` }
    return { error: `The search failed: ${body.error}.` }
  } catch {
    return { error: 'The search failed: the worker does not answer.' }
  }
}

/** @param {any} answer @param {number} limit */
function showFound({ repository, packages, found, more, hits }, limit) {
  const list = at('hits')
  const before = list.childElementCount
  const isMoreOfIt = document.activeElement === at('more')
  list.replaceChildren(...hits.map(hitItem))
  list.ariaBusy = 'false'
  list.hidden = hits.length === 0
  // The button is gone then: who has pressed it goes on where the new ones begin.
  if (isMoreOfIt) list.children[before]?.querySelector('summary')?.focus()
  const canTellMore = more > 0 && limit < hitsMore
  at('more').hidden = !canTellMore
  at('more').textContent = `Show ${amount(Math.min(hitsMore - hits.length, more))} more`
  const all = `${count(packages, 'package')} of ${repository}`
  if (packages === 0) say(`${repository} lists no packages.`)
  else if (found === 0) say(`None of the ${all} has all of these words.`)
  else if (more === 0) say(`${amount(found)} of the ${all}.`)
  else {
    const rest = canTellMore ? '.' : '. One word more finds fewer.'
    say(`${amount(found)} of the ${all}. These are the nearest ${amount(hits.length)}${rest}`)
  }
}

/** @param {string} error */
function fail(error) {
  at('hits').replaceChildren()
  at('hits').hidden = true
  at('more').hidden = true
  say(error)
}

/** @param {string} text */
function say(text) {
  const said = at('found')
  if (said.textContent !== text) said.textContent = text
}

function readAddress() {
  const parameters = new URLSearchParams(location.search)
  const q = parameters.get('q') ?? ''
  return q.trim() === '' ? undefined : { repository: parameters.get('repository'), q }
}

function keepInAddress() {
  const address = new URL(location.href)
  address.search = String(new URLSearchParams({ repository: place.value, q: words.value }))
  if (address.href !== location.href) history.pushState(null, '', address)
}

question.addEventListener('submit', (event) => {
  event.preventDefault()
  if (words.value.trim() === '') return fail('Type a word to search for.')
  keepInAddress()
  void search(hitsFirst)
})

at('more').addEventListener('click', () => void search(hitsMore))

addEventListener('popstate', () => {
  const wanted = readAddress()
  if (wanted !== undefined) return searchAsAsked(wanted)
  searching?.abort()
  searching = undefined
  words.value = ''
  fail('')
})

document.addEventListener('keydown', (event) => {
  const isTyping = event.target instanceof Element && event.target.matches('input, select, textarea')
  if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey || event.altKey) return
  event.preventDefault()
  words.focus()
  words.select()
})
