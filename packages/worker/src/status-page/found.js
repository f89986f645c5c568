// What a search has found: a package a line, which opens to tell the rest.
// @ts-check
import { element, time } from './elements.js'
import { amount, bytes, count } from './words.js'

/** @param {any} hit */
export function hitItem({ nevra, summary, size, builtAt, ...hit }) {
  const line = element(
    'summary',
    {},
    element('span', { class: 'nevra' }, nevra),
    ' ',
    element('span', { class: 'size' }, bytes(size)),
    ' ',
    time(builtAt),
    ' ',
    element('span', { class: 'what' }, summary === '' ? 'Without a summary' : summary),
  )
  const rest = element(
    'dl',
    {},
    fact('File', `${hit.base === null ? '' : `${hit.base} `}${hit.location}`),
    fact('Size', size === null ? '–' : count(size, 'byte')),
    fact('Built', time(builtAt)),
    fact('Changed', time(hit.modifiedAt)),
    fact('Requires', dependencyList(hit.requires)),
    fact('Provides', dependencyList(hit.provides)),
  )
  return element('li', {}, element('details', {}, line, rest))
}

/** @param {string} term @param {Element | string} value */
function fact(term, value) {
  return element('div', {}, element('dt', {}, term), element('dd', {}, value))
}

/** @param {{ first: string[], count: number }} dependencies */
function dependencyList({ first, count: all }) {
  if (all === 0) return element('span', { class: 'faint' }, 'nothing')
  const items = first.map((text) => element('li', {}, text))
  if (all > first.length) items.push(element('li', { class: 'faint' }, `and ${amount(all - first.length)} more`))
  return element('ul', { class: 'plain' }, ...items)
}
