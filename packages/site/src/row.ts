/**
 * A name in a list: what it is, in one line.
 */
import { type Html, html } from './html.ts'
import { type SiteName, versionOf } from './site-package.ts'
import { fileNameOf, hrefOf, packagePath } from './site-paths.ts'

export interface Row {
  readonly name: string
  readonly version: string
  readonly summary: string
  /** As that of a name. */
  readonly modified: number
}

const summaryCharactersMax = 160

export function rowOf({ name, newest, modified }: SiteName): Row {
  const characters = [...newest.summary.trim().replaceAll(/\s+/g, ' ')]
  const summary =
    characters.length > summaryCharactersMax
      ? `${characters.slice(0, summaryCharactersMax - 1).join('')}…`
      : characters.join('')
  return { name, version: versionOf(newest), summary, modified }
}

/** @param aside what stands at the end of a row in place of nothing */
export function rowList(
  rows: readonly Row[],
  toSite: '' | '../',
  aside: (row: Row) => string | undefined = () => undefined,
): Html {
  return html`<ul class="rows">
${rows.map((row) => {
  const end = aside(row)
  return html`<li><a href="${toSite}${hrefOf(packagePath(row.name))}">${row.name}</a> <span class="version">${row.version}</span> <span class="summary">${row.summary}</span>${end !== undefined && html` <span class="aside">${end}</span>`}</li>
`
})}</ul>`
}

/** As the search index has it: name, version, summary, and the file where the name does not say it. */
export function searchEntryOf({ name, version, summary }: Row): string[] {
  const file = fileNameOf(name)
  return file === name ? [name, version, summary] : [name, version, summary, file]
}
