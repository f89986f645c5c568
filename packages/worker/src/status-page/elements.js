// The pieces of the page. Texts become text nodes, never markup: they come from buckets and packages.
// @ts-check
import { amount, clockTime, localDay } from './words.js'

/** A heading that begins with # is of numbers. @param {string[]} headings @param {Element[][]} rows */
export function table(headings, rows) {
  const head = headings.map((heading) =>
    element('th', { scope: 'col', class: heading.startsWith('#') ? 'number' : '' }, heading.replace('#', '')),
  )
  const body = rows.map((cells) => element('tr', {}, ...cells))
  return element('table', {}, element('thead', {}, element('tr', {}, ...head)), element('tbody', {}, ...body))
}

/** @param {'th' | 'td'} kind @param {Record<string, string>} attributes @param {(Node | string | false)[]} children */
export function cell(kind, attributes, ...children) {
  return element(kind, attributes, ...children.filter((child) => child !== false))
}

/** @param {number} value @param {string} label */
export function number(value, label) {
  return element('td', { class: value > 0 ? 'number' : 'number faint', 'data-label': label }, amount(value))
}

/** @param {string} text */
export function why(text) {
  return element('span', { class: 'why' }, text)
}

/** @param {string} word @param {string | undefined} care */
export function outcome(word, care) {
  return element('span', { class: `outcome ${care ?? ''}` }, word)
}

/** @param {string} text */
export function none(text) {
  return element('p', { class: 'none' }, text)
}

/** Of today the time alone. @param {string | null | undefined} iso */
export function time(iso) {
  if (iso === null || iso === undefined || Number.isNaN(Date.parse(iso)))
    return element('span', { class: 'faint' }, '–')
  const date = new Date(iso)
  const isToday = date.toDateString() === new Date().toDateString()
  const text = isToday ? clockTime(date) : `${localDay(date)} ${clockTime(date).slice(0, 5)}`
  return element('time', { datetime: iso, title: `${localDay(date)} ${clockTime(date)}` }, text)
}

/** @param {string} id @returns {HTMLElement} */
export function at(id) {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`there is no #${id}`)
  return found
}

/** @param {string} kind @param {Record<string, string>} attributes @param {(Node | string)[]} children */
export function element(kind, attributes, ...children) {
  return fill(document.createElement(kind), attributes, children)
}

/** @param {string} kind @param {Record<string, string | number>} attributes @param {(Node | string)[]} children */
export function drawing(kind, attributes, ...children) {
  return fill(document.createElementNS('http://www.w3.org/2000/svg', kind), attributes, children)
}

/** @template {Element} E @param {E} made @param {Record<string, string | number>} attributes @param {(Node | string)[]} children */
function fill(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) if (value !== '') made.setAttribute(name, String(value))
  made.append(...children)
  return made
}
