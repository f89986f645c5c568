// What the pages can do beyond links: search, copy, and put in where they were found. All of it is about this site's own files.
// @ts-check

/** A name of the index: name, version, summary, and its file where that is another. @typedef {string[]} Entry */

const shownMax = 100
const atOnce = 4

const form = document.querySelector('form.search')
const field = /** @type {HTMLInputElement | null} */ (document.querySelector('#q'))
const results = document.querySelector('#results')

/** Where nobody said where the repository is, it is where the page is. */
function putInBase() {
  const { root } = document.documentElement.dataset
  if (root === undefined) return
  for (const place of document.querySelectorAll('[data-base]')) place.textContent = new URL(root, location.href).href
}

function offerToCopy() {
  if (navigator.clipboard === undefined) return
  for (const block of document.querySelectorAll('.code')) {
    const button = document.createElement('button')
    button.type = 'button'
    button.textContent = 'Copy'
    button.addEventListener('click', async () => {
      try {
        await navigator.clipboard.writeText(block.querySelector('code')?.textContent ?? '')
        button.textContent = 'Copied'
      } catch {
        button.textContent = 'Failed'
      }
      setTimeout(() => {
        button.textContent = 'Copy'
      }, 2000)
    })
    block.append(button)
  }
}

/** @param {KeyboardEvent} event @param {HTMLInputElement} field */
function focusSearch(event, field) {
  const isTyping = event.target instanceof HTMLElement && event.target.matches('input, textarea, select')
  if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey || event.altKey) return
  event.preventDefault()
  field.focus()
  field.select()
}

/** @param {HTMLElement} form @param {HTMLInputElement} field @param {HTMLElement} results */
function searchHere(form, field, results) {
  const browse = document.querySelector('#browse')
  const found = results.querySelector('#found')
  const list = results.querySelector('ul')
  if (!(browse instanceof HTMLElement) || found === null || list === null) return
  const index = new SearchIndex(() => show())

  const show = () => {
    const words = wordsOf(field.value)
    results.hidden = words.length === 0
    browse.hidden = words.length > 0
    if (words.length === 0) return
    const { best, count } = index.find(words)
    list.replaceChildren(...best.map(rowOf))
    found.textContent = wordFor(best.length, count, index)
  }

  const search = () => {
    const address = new URL(location.href)
    if (field.value.trim() === '') address.searchParams.delete('q')
    else address.searchParams.set('q', field.value.trim())
    history.replaceState(null, '', address)
    const [word] = wordsOf(field.value)
    if (word !== undefined) void index.load(word)
    show()
  }

  form.addEventListener('submit', (event) => {
    event.preventDefault()
    list.querySelector('a')?.click()
  })
  field.addEventListener('input', search)
  document.addEventListener('keydown', (event) => {
    /** @type {(HTMLElement | null)[]} */
    const links = [field, ...list.querySelectorAll('a')]
    const at = links.indexOf(/** @type {HTMLElement | null} */ (document.activeElement))
    if (results.hidden || at === -1) return
    if (event.key === 'Escape') {
      field.value = ''
      field.focus()
      search()
    } else if (event.key === 'ArrowDown') links[at + 1]?.focus()
    else if (event.key === 'ArrowUp') links[at - 1]?.focus()
    else return
    event.preventDefault()
  })

  field.value = new URL(location.href).searchParams.get('q') ?? ''
  if (field.value !== '') search()
}

class SearchIndex {
  /** @type {Entry[]} */
  #entries = []
  /** @type {Promise<void> | undefined} */
  #loading
  #onMore
  /** @type {'not begun' | 'under way' | 'complete' | 'failed'} */
  state = 'not begun'

  /** @param {() => void} onMore called when there is more to find */
  constructor(onMore) {
    this.#onMore = onMore
  }

  /** Reads all of it, once, what begins like `word` first. @param {string} word */
  load(word) {
    if (this.state === 'failed') this.#loading = undefined
    this.#loading ??= this.#read(word).then(
      () => this.#become('complete'),
      () => this.#become('failed'),
    )
    return this.#loading
  }

  /** @param {string} word */
  async #read(word) {
    this.state = 'under way'
    this.#entries = entriesHere() ?? []
    if (this.#entries.length > 0) return
    /** @type {[string, string][]} */
    const shards = await read('search/shards.json')
    const paths = nearestFirst(shards, word)
    const work = async () => {
      for (let path = paths.shift(); path !== undefined; path = paths.shift()) {
        this.#entries.push(...(await read(path)))
        this.#onMore()
      }
    }
    await Promise.all(Array.from({ length: atOnce }, work))
  }

  /** @param {'complete' | 'failed'} state */
  #become(state) {
    this.state = state
    this.#onMore()
  }

  /** @param {string[]} words @returns {{ best: Entry[], count: number }} */
  find(words) {
    /** @type {Entry[][]} */
    const byRank = [[], [], [], [], []]
    let count = 0
    for (const entry of this.#entries) {
      const rank = rankOf(entry, words)
      if (rank === undefined) continue
      count += 1
      byRank[rank]?.push(entry)
    }
    const best = byRank.flatMap((entries) => entries.sort(byName))
    return { best: best.slice(0, shownMax), count }
  }
}

/** Where all names stand on this page nothing has to be read: so the search works from a disk as well. @returns {Entry[] | undefined} */
function entriesHere() {
  if (document.querySelector('.letters') !== null) return undefined
  return Array.from(document.querySelectorAll('#browse .rows li'), (row) => {
    const text = (/** @type {string} */ part) => row.querySelector(part)?.textContent ?? ''
    const [, file = ''] = /^package\/(.*)\.html$/.exec(row.querySelector('a')?.getAttribute('href') ?? '') ?? []
    return [text('a'), text('.version'), text('.summary'), decodeURIComponent(file)]
  })
}

/** The file that names like this one are in, then the one after it, then all others. @param {[string, string][]} shards @param {string} word */
function nearestFirst(shards, word) {
  const near = Math.max(
    0,
    shards.findLastIndex(([first]) => first <= word),
  )
  const order = [...shards.slice(near, near + 2), ...shards.slice(0, near), ...shards.slice(near + 2)]
  return order.map(([, path]) => path)
}

/** 0 is the name itself, 4 a word of the summary; `undefined` where a word is nowhere. @param {Entry} entry @param {string[]} words */
function rankOf([name = '', , summary = ''], words) {
  const lower = name.toLowerCase()
  const whole = words.join('-')
  if (lower === whole) return 0
  if (lower.startsWith(whole)) return 1
  if (words.every((word) => lower.includes(word))) return words.every((word) => startsWord(lower, word)) ? 2 : 3
  const both = `${lower} ${summary.toLowerCase()}`
  return words.every((word) => startsWord(both, word)) ? 4 : undefined
}

/** @param {string} text @param {string} word */
function startsWord(text, word) {
  for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + 1)) {
    if (at === 0 || !/[\p{L}\p{N}]/u.test(text[at - 1] ?? '')) return true
  }
  return false
}

/** @param {Entry} a @param {Entry} b */
function byName([a = ''], [b = '']) {
  return a < b ? -1 : 1
}

/** @param {string} text */
function wordsOf(text) {
  return text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '')
    .slice(0, 8)
}

/** What a file of the search index has. @param {string} path */
async function read(path) {
  const answer = await fetch(path)
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`)
  const { entries } = await answer.json()
  return entries
}

/** @param {Entry} entry */
function rowOf([name = '', version = '', summary = '', file = name]) {
  const row = document.createElement('li')
  const link = document.createElement('a')
  link.href = `package/${encodeURIComponent(file)}.html`
  link.textContent = name
  row.append(link, ' ', span('version', version), ' ', span('summary', summary))
  return row
}

/** @param {string} kind @param {string} text */
function span(kind, text) {
  const element = document.createElement('span')
  element.className = kind
  element.textContent = text
  return element
}

/** @param {number} shown @param {number} count @param {SearchIndex} index */
function wordFor(shown, count, { state }) {
  if (state === 'failed') {
    const why = location.protocol === 'file:' ? 'from a disk: it needs a web server' : 'just now'
    return `The index of the search cannot be read ${why}. Without these words, the lists by letter have everything.`
  }
  if (state !== 'complete') return count === 0 ? 'Searching …' : `${packages(count)} so far …`
  if (count === 0) return 'No package has these words in its name or summary.'
  return shown < count ? `${packages(count)}, the best ${shown} of them` : packages(count)
}

/** @param {number} count */
function packages(count) {
  return count === 1 ? '1 package' : `${count} packages`
}

putInBase()
offerToCopy()
if (form instanceof HTMLElement && field !== null) {
  form.hidden = false
  document.addEventListener('keydown', (event) => focusSearch(event, field))
  if (results instanceof HTMLElement) searchHere(form, field, results)
}
