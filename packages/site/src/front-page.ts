/**
 * The front page: how much there is, the search, the letters, what is new, how to use it.
 */
import { type Html, html } from './html.ts'
import { repositorySection } from './install.ts'
import { type ListRun, letterLinks } from './list-page.ts'
import { formatCount, formatDay, formatMinute } from './quantities.ts'
import { type Row, rowList } from './row.ts'
import { formatPage } from './shell.ts'
import type { SiteSettings } from './site-settings.ts'

export interface FrontParts {
  readonly packages: number
  readonly names: number
  /** Of repomd.xml; mostly a time in seconds since 1970. */
  readonly revision: string | undefined
  /** Empty where all names stand on this page. */
  readonly runs: readonly ListRun[]
  /** All of them by name, or the newest first. */
  readonly rows: readonly Row[]
}

export function formatFrontPage(settings: SiteSettings, parts: FrontParts): Buffer {
  const { packages, names, runs, rows } = parts
  const counts = `${formatCount(packages, 'package')}${names === packages ? '' : `, ${formatCount(names, 'name')}`}`
  const published = publishedAt(parts.revision)
  const main = html`<div class="hero">
<h1>${settings.title}</h1>
<p class="lead">${counts}${published !== undefined && html`, published <time datetime="${published.replace(' ', 'T').replace(' UTC', 'Z')}">${published}</time>`}. <a href="#install">How to use it</a></p>
</div>
<section id="results" aria-label="Search results" hidden>
<p id="found" role="status"></p>
<ul class="rows"></ul>
</section>
<div id="browse">
${runs.length > 0 && html`<nav class="letters" aria-label="Packages by letter">${letterLinks(runs, '', undefined)}</nav>`}
${listing(runs.length === 0, rows)}
${repositorySection(settings)}
</div>`
  const description = `${counts} in the RPM repository ${settings.title}: search, versions, files, changelogs, how to install.`
  return formatPage({ title: settings.title, description, toSite: '', settings, main })
}

function listing(isAll: boolean, rows: readonly Row[]): Html {
  if (rows.length === 0) return html`<p class="empty">No package is listed yet.</p>`
  return isAll
    ? html`<section aria-labelledby="all"><h2 id="all">Packages</h2>
${rowList(rows, '')}</section>`
    : html`<section aria-labelledby="newest"><h2 id="newest">Newest</h2>
${rowList(rows, '', ({ modified }) => formatDay(modified))}</section>`
}

/** Revisions of ours, and of createrepo_c, are times; others may be anything. */
function publishedAt(revision: string | undefined): string | undefined {
  const seconds = revision !== undefined && /^[0-9]{9,11}$/.test(revision) ? Number(revision) : undefined
  return formatMinute(seconds)
}
