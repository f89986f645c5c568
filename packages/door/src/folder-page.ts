/**
 * What a browser shows of a folder. No script, and nothing of others: the policy lets in this page's own style and no more.
 */
import { createHash } from 'node:crypto'

export interface FolderRow {
  /** Of a folder with its slash. */
  readonly name: string
  /** Absent: a folder. */
  readonly size?: number
  readonly modified?: Date
}

export interface FolderPage {
  /** Decoded, with its slash at the end; `/` is the top. */
  readonly path: string
  readonly rows: readonly FolderRow[]
  /** Where the list goes on, as a query; absent where it ends. */
  readonly next?: string
}

export const folderPageHeaders: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-cache',
  'Content-Security-Policy': `default-src 'none'; style-src '${styleHash()}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
}

export function formatFolderPage({ path, rows, next }: FolderPage): string {
  const up = path === '/' ? '' : '<tr><td><a href="../">../</a></td><td></td><td></td></tr>\n'
  const list = rows.map(formatRow).join('')
  const more = next === undefined ? '' : `<p><a href="?${escaped(next)}">More</a></p>\n`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(path)}</title>
<style>${style()}</style>
</head>
<body>
<main>
<h1>${escaped(path)}</h1>
<table>
<thead><tr><th>Name</th><th>Bytes</th><th>Modified</th></tr></thead>
<tbody>
${up}${list}</tbody>
</table>
${more}</main>
<footer>An RPM repository, kept by repokeeper.</footer>
</body>
</html>
`
}

function formatRow({ name, size, modified }: FolderRow): string {
  const bare = name.endsWith('/') ? name.slice(0, -1) : name
  const href = `${encodeURIComponent(bare)}${name.endsWith('/') ? '/' : ''}`
  const time = modified === undefined ? '' : `${modified.toISOString().slice(0, 16).replace('T', ' ')} UTC`
  return `<tr><td><a href="${escaped(href)}">${escaped(name)}</a></td><td>${size ?? ''}</td><td>${time}</td></tr>\n`
}

/** A name may be anything: it never becomes markup, and nothing in it turns the direction of what follows. */
function escaped(text: string): string {
  return text
    .replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '\ufffd')
    .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

/** The colours and the type of the pages that `repokeeper site` writes. */
function style(): string {
  return `
:root{color-scheme:light dark;--paper:#fafaf8;--ink:#1d232a;--soft:#57616c;--line:#e2e4e3;--accent:#1f5fa6}
@media(prefers-color-scheme:dark){:root{--paper:#14181c;--ink:#e4e7ea;--soft:#9ca6b0;--line:#2b3239;--accent:#82b4ec}}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main,footer{max-width:60rem;margin:0 auto;padding:1rem 1.5rem}
h1{font-size:1.4rem;overflow-wrap:anywhere}
table{width:100%;border-collapse:collapse}
th{text-align:left;color:var(--soft);font-weight:600}
td,th{padding:.3rem .8rem .3rem 0;border-bottom:1px solid var(--line);overflow-wrap:anywhere;unicode-bidi:isolate}
td+td,th+th{white-space:nowrap;font-variant-numeric:tabular-nums;color:var(--soft)}
td:nth-child(2),th:nth-child(2){text-align:right}
a{color:var(--accent)}
footer{color:var(--soft);font-size:.9rem}
`
}

function styleHash(): string {
  return `sha256-${createHash('sha256').update(style()).digest('base64')}`
}
