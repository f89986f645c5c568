/**
 * The page that a worker shows of itself: one document that needs nothing but the worker's own answers. Its style and script
 * stand in it, and are vouched for by their digests, so that no text of a package or a queue can become either.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { look } from '@repokeeper/site/look'

export interface StatusPage {
  /** To be served at `/`, beside `/status`, `/history`, `/scheduledJobs` and `/packages`, as `text/html; charset=utf-8`. */
  readonly html: string
  /** As a policy has them: `sha256-…`. */
  readonly styleHash: string
  readonly scriptHash: string
  /** The header Content-Security-Policy: nothing but this style, this script, and requests to the worker itself. */
  readonly contentSecurityPolicy: string
}

const style = [look, ...['status.css', 'search.css'].map(read)].join('\n')
/** One script of these, in this order: what they import of each other is above it then. */
const scripts = ['words.js', 'elements.js', 'chart.js', 'tables.js', 'found.js', 'search.js', 'status.js']
const script = scripts.map(readScript).join('\n')
const frame = read('status.html')

const styleHash = hashOf(style)
const scriptHash = hashOf(script)

export const statusPage: StatusPage = {
  // As functions: in a text `$&` and its like would be more than they are.
  html: frame.replace('/* style */', () => style).replace('/* script */', () => script),
  styleHash,
  scriptHash,
  contentSecurityPolicy: [
    "default-src 'none'",
    "connect-src 'self'",
    `style-src '${styleHash}'`,
    `script-src '${scriptHash}'`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
}

function read(name: string): string {
  return readFileSync(new URL(name, import.meta.url), 'utf8')
}

function readScript(name: string): string {
  return read(name)
    .replaceAll(/^import \{[^}]*\} from '[^']*'\n/gm, '')
    .replaceAll(/^export /gm, '')
}

/** CSP level 2: of what stands between the tags, every byte of it. */
function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}
