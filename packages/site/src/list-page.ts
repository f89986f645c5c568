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

/** What a page of the list has of the others: as much as it leads to. */
export interface ListLinks {
  /** The first of each letter. */
  readonly letters: readonly LinkedRun[]
  /** Those of the same letter, itself among them. */
  readonly spans: readonly LinkedRun[]
  readonly before: LinkedRun | undefined
  readonly after: LinkedRun | undefined
}

type LinkedRun = Pick<ListRun, 'letter' | 'path' | 'first'>

/** Of each of them. */
export function linkRuns(runs: readonly ListRun[]): ListLinks[] {
  const linked = runs.map(({ letter, path, first }): LinkedRun => ({ letter, path, first }))
  const letters = firstsOf(linked)
  return linked.map(({ letter }, at) => ({
    letters,
    spans: linked.filter((one) => one.letter === letter),
    before: linked[at - 1],
    after: linked[at + 1],
  }))
}

export function formatListPage(
  settings: SiteSettings,
  run: ListRun,
  { letters, spans, before, after }: ListLinks,
  rows: readonly Row[],
): Buffer {
  const title = labelOf(run.letter)
  const main = html`<nav class="letters" aria-label="Packages by letter">${letterLinks(letters, '../', run.letter)}</nav>
<h1>${title}</h1>
${spans.length > 1 && html`<nav class="spans" aria-label="Parts of ${title}"><ol>${spans.map((one) => spanLink(one, one.path === run.path))}</ol></nav>`}
${rowList(rows, '../')}
<nav class="turn" aria-label="Neighbouring pages">${turnLink(before, 'prev', 'Before')}${turnLink(after, 'next', 'After')}</nav>`
  const description = `Packages of ${settings.title} from ${run.first} to ${run.last}.`
  return formatPage({ title: `${title} · ${settings.title}`, description, toSite: '../', settings, main })
}

export function letterLinks(runs: readonly LinkedRun[], toSite: '' | '../', current: string | undefined): Html {
  return html`<ul>${firstsOf(runs).map(
    ({ letter, path }) =>
      html`<li><a href="${toSite}${hrefOf(path)}"${letter === current && html` aria-current="true"`}>${labelOf(letter)}</a></li>`,
  )}</ul>`
}

function firstsOf(runs: readonly LinkedRun[]): LinkedRun[] {
  return runs.filter(({ letter }, at) => runs[at - 1]?.letter !== letter)
}

function labelOf(letter: string): string {
  if (letter === 'other') return 'Other'
  return letter === '0-9' ? '0–9' : letter.toUpperCase()
}

function spanLink(run: LinkedRun, isCurrent: boolean): Html {
  return html`<li><a href="../${hrefOf(run.path)}"${isCurrent && html` aria-current="page"`}>${run.first}</a></li>`
}

function turnLink(run: LinkedRun | undefined, direction: 'prev' | 'next', label: string): Html | undefined {
  if (run === undefined) return undefined
  return html`<a rel="${direction}" href="../${hrefOf(run.path)}"><small>${label}</small> ${run.first}</a>`
}
