/**
 * The names of one letter, or a run of them where there are many.
 */
import { type Html, html } from './html.ts'
import { cutNames, letterOf, listRuns } from './name-runs.ts'
import { type Row, rowList } from './row.ts'
import { formatPage } from './shell.ts'
import { hrefOf, listPath } from './site-paths.ts'
import type { SiteSettings } from './site-settings.ts'

/** One page of the list. */
export interface ListRun {
  readonly letter: string
  readonly path: string
  readonly first: string
  readonly last: string
  readonly count: number
}

/** @param names in order */
export function planListRuns(names: readonly string[]): ListRun[] {
  const started = new Set<string>()
  return cutNames(names, listRuns, letterOf).map((run) => {
    const first = run[0] ?? ''
    const letter = letterOf(first)
    const isFirst = !started.has(letter)
    started.add(letter)
    return { letter, path: listPath(letter, first, isFirst), first, last: run.at(-1) ?? '', count: run.length }
  })
}

export function formatListPage(
  settings: SiteSettings,
  runs: readonly ListRun[],
  run: ListRun,
  rows: readonly Row[],
): Buffer {
  const ofLetter = runs.filter(({ letter }) => letter === run.letter)
  const at = runs.indexOf(run)
  const title = labelOf(run.letter)
  const main = html`<nav class="letters" aria-label="Packages by letter">${letterLinks(runs, '../', run.letter)}</nav>
<h1>${title}</h1>
${ofLetter.length > 1 && html`<nav class="spans" aria-label="Parts of ${title}"><ol>${ofLetter.map((one) => spanLink(one, one === run))}</ol></nav>`}
${rowList(rows, '../')}
<nav class="turn" aria-label="Neighbouring pages">${turnLink(runs[at - 1], 'prev', 'Before')}${turnLink(runs[at + 1], 'next', 'After')}</nav>`
  const description = `Packages of ${settings.title} from ${run.first} to ${run.last}.`
  return formatPage({ title: `${title} · ${settings.title}`, description, toSite: '../', settings, main })
}

export function letterLinks(runs: readonly ListRun[], toSite: '' | '../', current: string | undefined): Html {
  const firsts = runs.filter(({ letter }, at) => runs[at - 1]?.letter !== letter)
  return html`<ul>${firsts.map(
    ({ letter, path }) =>
      html`<li><a href="${toSite}${hrefOf(path)}"${letter === current && html` aria-current="true"`}>${labelOf(letter)}</a></li>`,
  )}</ul>`
}

function labelOf(letter: string): string {
  if (letter === 'other') return 'Other'
  return letter === '0-9' ? '0–9' : letter.toUpperCase()
}

function spanLink(run: ListRun, isCurrent: boolean): Html {
  return html`<li><a href="../${hrefOf(run.path)}"${isCurrent && html` aria-current="page"`}>${run.first}</a></li>`
}

function turnLink(run: ListRun | undefined, direction: 'prev' | 'next', label: string): Html | undefined {
  if (run === undefined) return undefined
  return html`<a rel="${direction}" href="../${hrefOf(run.path)}"><small>${label}</small> ${run.first}</a>`
}
