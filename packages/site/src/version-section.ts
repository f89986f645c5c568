/**
 * One version in full: facts, dependencies, files, changelog. What is long is folded, and opens without a script.
 */
import {
  type Bounded,
  type ChangelogDetail,
  type DependencyDetail,
  type FileDetail,
  formatDependency,
} from '@repokeeper/repodata'
import { formatBytes } from '@repokeeper/repodata/format-bytes'
import { type Html, type HtmlValue, html, linkable } from './html.ts'
import { formatCount, formatDay, formatMinute, groupDigits } from './quantities.ts'
import { nevraOf, type SitePackage } from './site-package.ts'

/** @param at its place on the page, from 0 @param isOnly whether no other is told in full */
export function versionSection(one: SitePackage, at: number, isOnly: boolean): Html {
  const { facts } = one
  const home = linkable(one.url)
  const rows: readonly (readonly [string, HtmlValue])[] = [
    ['Architecture', facts.arch],
    ['Built', formatMinute(one.built)],
    ['Size', facts.size !== undefined && sizes(facts.size, one.installed)],
    ['Licence', one.license],
    [
      'Homepage',
      home === undefined ? one.url : html`<a href="${home}" rel="noopener noreferrer nofollow">${one.url}</a>`,
    ],
    ['Vendor', one.vendor],
    ['Packager', one.packager],
    ['Group', one.group === 'Unspecified' ? '' : one.group],
    ['Source', one.sourcerpm],
    [facts.checksumType.replace('sha256', 'SHA-256').toUpperCase(), html`<code>${facts.pkgid}</code>`],
    ['Location', html`<code>${facts.href}</code>`],
  ]
  return html`<section class="version" id="version-${at}" aria-labelledby="title-${at}" tabindex="-1">
<h2 id="title-${at}">${isOnly ? 'Details' : nevraOf(one)}</h2>
<dl>${rows.filter(([, value]) => value !== undefined && value !== false && value !== '').map(([term, value]) => html`<div><dt>${term}</dt><dd>${value}</dd></div>`)}</dl>
${dependencyKinds.map(([kind, label]) => folded(label, one.dependencies[kind], dependencyList))}
${folded('Files', one.files, fileList)}
${folded('Changelog', one.changelogs, changelog, isOnly || at === 0)}
</section>
`
}

const dependencyKinds = [
  ['requires', 'Requires'],
  ['recommends', 'Recommends'],
  ['suggests', 'Suggests'],
  ['supplements', 'Supplements'],
  ['enhances', 'Enhances'],
  ['provides', 'Provides'],
  ['conflicts', 'Conflicts'],
  ['obsoletes', 'Obsoletes'],
] as const

function sizes(size: number, installed: number | undefined): string {
  return installed === undefined ? formatBytes(size) : `${formatBytes(size)}, installed ${formatBytes(installed)}`
}

function folded<Item>(
  label: string,
  items: Bounded<Item> | undefined,
  list: (items: readonly Item[]) => Html,
  isOpen = false,
): Html | undefined {
  if (items === undefined || items.count === 0) return undefined
  const rest = items.count - items.first.length
  return html`<details${isOpen && html` open`}><summary>${label} <span class="count">${groupDigits(items.count)}</span></summary>
${list(items.first)}
${rest > 0 && html`<p class="more body">and ${formatCount(rest, 'more', 'more')}</p>`}</details>
`
}

function dependencyList(dependencies: readonly DependencyDetail[]): Html {
  return html`<ul class="plain body">${dependencies.map((one) => html`<li>${formatDependency(one)}</li>`)}</ul>`
}

function fileList(files: readonly FileDetail[]): Html {
  return html`<ul class="plain body">${files.map(({ path, type }) => html`<li>${path}${type === 'dir' && path !== '/' && '/'}${type === 'ghost' && html` <small>ghost</small>`}</li>`)}</ul>`
}

function changelog(changes: readonly ChangelogDetail[]): Html {
  return html`<ol class="changes body">${changes.map(
    ({ author, date, text }) =>
      html`<li><p class="who">${dayOf(date)}${withoutAddress(author)}</p><div>${text}</div></li>`,
  )}</ol>`
}

function dayOf(date: number | undefined): Html | undefined {
  const day = formatDay(date)
  return day === undefined ? undefined : html`<time datetime="${day}">${day}</time> `
}

/** A changelog's author has an address, which is nobody's to gather from a page. */
function withoutAddress(author: string): string {
  return author.replaceAll(/\s*<[^<>]*@[^<>]*>/g, '')
}
