/**
 * The page of a name: what it is, how to install it, its versions, and each of the newest in full.
 */
import { formatBytes } from '@repokeeper/repodata/format-bytes'
import { type Html, html, linkable } from './html.ts'
import { installSection } from './install.ts'
import { packageLink } from './package-link.ts'
import { prose } from './prose.ts'
import { formatCount, formatDay } from './quantities.ts'
import { formatPage } from './shell.ts'
import { nevraOf, type SiteName, type SitePackage, versionOf } from './site-package.ts'
import type { SiteSettings } from './site-settings.ts'
import { versionSection } from './version-section.ts'

/** So many of the newest are told in full, the others have a line. A page stays one that a phone can hold. */
const inFullMax = 10

export function formatPackagePage(settings: SiteSettings, one: SiteName): Buffer {
  const { name, packages, newest, count } = one
  const inFull = packages.slice(0, inFullMax)
  const main = html`<article class="package">
<h1>${name}</h1>
${newest.summary !== '' && html`<p class="lead">${newest.summary}</p>`}
${facts(newest)}
${installSection(name)}
${newest.description !== '' && html`<div class="description">${prose(newest.description)}</div>`}
<section aria-labelledby="versions">
<h2 id="versions">${count === 1 ? 'Version' : 'Versions'}</h2>
<table class="versions">
<thead><tr><th scope="col">Package</th><th scope="col">Built</th><th scope="col" class="number">Size</th><th scope="col"><span class="unseen">Download</span></th></tr></thead>
<tbody>
${packages.map((version, at) => versionLine(settings, version, at < inFull.length ? at : undefined))}</tbody>
</table>
${count > packages.length && html`<p class="more">and ${formatCount(count - packages.length, 'older one')}</p>`}
</section>
${inFull.map((version, at) => versionSection(version, at, inFull.length === 1))}
</article>`
  const description = `${newest.summary || name}: ${formatCount(count, 'package')} of ${name} in ${settings.title}.`
  return formatPage({ title: `${name} · ${settings.title}`, description, toSite: '../', settings, main })
}

function facts(newest: SitePackage): Html {
  const home = linkable(newest.url)
  return html`<ul class="facts">
<li>${versionOf(newest)}</li>
${newest.license !== '' && html`<li>${newest.license}</li>`}
${home !== undefined && html`<li><a href="${home}" rel="noopener noreferrer nofollow">${shortAddress(home)}</a></li>`}
</ul>`
}

/** @param at its place among those told in full */
function versionLine(settings: SiteSettings, version: SitePackage, at: number | undefined): Html {
  const { facts } = version
  const link = packageLink(settings, facts)
  const label = nevraOf(version)
  const day = formatDay(version.built)
  return html`<tr>
<th scope="row">${at === undefined ? label : html`<a href="#version-${at}">${label}</a>`}</th>
<td>${day !== undefined && html`<time datetime="${day}">${day}</time>`}</td>
<td class="number">${facts.size !== undefined && formatBytes(facts.size)}</td>
<td>${link !== undefined && html`<a class="download" href="${link}" aria-label="Download ${label}">Download</a>`}</td>
</tr>
`
}

/** `example.org/project` of `https://www.example.org/project/`. */
function shortAddress(address: string): string {
  return address.replace(/^https?:\/\/(?:www\.)?/, '').replace(/\/$/, '')
}
