/**
 * What stands around every page: head, the line at the top with the search, the foot.
 */
import { Html, html } from './html.ts'
import { pageMark } from './marks.ts'
import { frontPath, scriptPath } from './site-paths.ts'
import type { SiteSettings } from './site-settings.ts'

export interface PageParts {
  readonly title: string
  readonly description: string
  /** The way from the page to the site's own directory: `''` or `../`. */
  readonly toSite: '' | '../'
  readonly settings: SiteSettings
  readonly main: Html
}

/** The site asks for its own files and nothing else, and no text of a package could make it. */
const policy =
  "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'"

export function formatPage({ title, description, toSite, settings, main }: PageParts): Buffer {
  const toRoot = settings.toRoot === undefined ? undefined : `${toSite}${settings.toRoot}`
  const isFront = toSite === ''
  const page = html`<!doctype html>
<html lang="en"${toRoot !== undefined && html` data-root="${toRoot}"`}>
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
${pageMark(toSite)}
<meta name="description" content="${description}">
<title>${title}</title>
<link rel="icon" href="${icon}">
<script src="${toSite}${scriptPath}" defer></script>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header class="top"><div class="wide">
<a class="home" href="${toSite}${frontPath}"${isFront && html` aria-current="page"`}>${mark}<span>${settings.title}</span></a>
<form class="search" role="search" action="${toSite}${frontPath}" hidden>
<label class="unseen" for="q">Search packages</label>
<input id="q" name="q" type="search" placeholder="Search packages" autocomplete="off" autocapitalize="none" spellcheck="false">
<kbd aria-hidden="true">/</kbd>
</form>
</div></header>
<main id="main" class="wide">
${main}
</main>
<footer class="wide">An RPM repository, kept by repokeeper.</footer>
</body>
</html>
`
  return Buffer.from(page.markup)
}

/** A box, three strokes. */
const mark = new Html(
  '<svg class="mark" viewBox="0 0 24 24" width="22" height="22" aria-hidden="true" focusable="false">' +
    '<path d="M12 2.5 20.5 7v10L12 21.5 3.5 17V7zM3.8 7.2 12 11.7l8.2-4.5M12 11.7v9.5" fill="none" stroke="currentColor" ' +
    'stroke-width="1.7" stroke-linejoin="round"/></svg>',
)

const icon =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'%3E%3Cpath d='M12 2.5 20.5 7v10L12 21.5 3.5 17V7z" +
  "M3.8 7.2 12 11.7l8.2-4.5M12 11.7v9.5' fill='none' stroke='%232f6fb5' stroke-width='2' stroke-linejoin='round'/%3E%3C/svg%3E"
