// Packages per day, as bars.
// @ts-check
import { drawing, element, none } from './elements.js'
import { amount, count } from './words.js'

/** A day's name, and room around it. */
const labelWidth = 62

/** @param {any[]} days @param {number} width of the drawing, in CSS pixels */
export function barChart(days, width) {
  if (days.length === 0) return [none('No day has passed yet.')]
  const [height, left, right, top, bottom] = [190, 40, width - 16, 10, 24]
  const most = niceCeiling(
    Math.max(1, ...days.map(({ added, replaced, removed }) => Math.max(added + replaced, removed))),
  )
  const scale = (height - top - bottom) / most
  const step = (right - left) / Math.max(days.length, 7)
  const barWidth = Math.min(26, Math.max(2, step * 0.36))
  const chart = drawing('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': chartWords(days) })
  const ground = height - bottom
  for (const part of [1, 0.5]) {
    const y = ground - most * part * scale
    chart.append(drawing('line', { x1: left, x2: right, y1: y, y2: y, class: 'grid-line' }))
    chart.append(drawing('text', { x: left - 8, y: y + 4, 'text-anchor': 'end', class: 'axis' }, amount(most * part)))
  }
  const labelEvery = Math.ceil(labelWidth / step)
  for (const [index, { day, added, replaced, removed }] of days.entries()) {
    const middle = left + step * (index + 0.5)
    const group = drawing('g', {})
    group.append(
      drawing('title', {}, `${day}: ${amount(added)} added, ${amount(replaced)} replaced, ${amount(removed)} removed`),
    )
    group.append(bar('bar-in', middle - barWidth - 1, ground, barWidth, (added + replaced) * scale))
    group.append(bar('bar-out', middle + 1, ground, barWidth, removed * scale))
    if ((days.length - 1 - index) % labelEvery === 0) {
      group.append(drawing('text', { x: middle, y: height - 6, 'text-anchor': 'middle', class: 'axis' }, day.slice(5)))
    }
    chart.append(group)
  }
  chart.append(drawing('line', { x1: left, x2: right, y1: ground, y2: ground, class: 'base-line' }))
  const caption = element('figcaption', {}, element('span', {}, 'Added or replaced'), element('span', {}, 'Removed'))
  return [element('figure', {}, chart, caption)]
}

/** @param {string} kind @param {number} x @param {number} ground @param {number} width @param {number} height */
function bar(kind, x, ground, width, height) {
  // What is there is seen, however little it is.
  const high = height > 0 ? Math.max(height, 2) : 0
  return drawing('rect', { class: kind, x, y: ground - high, width, height: high, rx: 2 })
}

/** @param {any[]} days */
function chartWords(days) {
  const sum = (/** @type {string} */ field) => days.reduce((all, day) => all + day[field], 0)
  return `Packages per day, the last ${count(days.length, 'day')}: ${amount(sum('added'))} added, ${amount(sum('replaced'))} replaced, ${amount(sum('removed'))} removed`
}

/** The next of 2, 4, 10, 20, 40, 100 …: half of it is whole. @param {number} value */
function niceCeiling(value) {
  const power = 10 ** Math.floor(Math.log10(value))
  return (
    [1, 2, 4, 10].map((step) => step * power).find((ceiling) => ceiling >= Math.max(2, value) && ceiling % 2 === 0) ??
    20 * power
  )
}
