/**
 * The page that a worker shows of itself: one document that needs nothing but the worker's own answers. Its style and script
 * stand in it, and are vouched for by their digests, so that no text of a package or a queue can become either.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { look } from '@repokeeper/site/look'

export interface StatusPage {
  /** To be served at `/`, beside `/status`, `/history` and `/scheduledJobs`, as `text/html; charset=utf-8`. */
  readonly html: string
  /** As a policy has them: `sha256-…`. */
  readonly styleHash: string
  readonly scriptHash: string
  /** The header Content-Security-Policy: nothing but this style, this script, and requests to the worker itself. */
  readonly contentSecurityPolicy: string
}

const style = `${look}\n${readFileSync(new URL('status.css', import.meta.url), 'utf8')}`
/** One script of these, in this order: what they import of each other is above it then. */
const script = ['words.js', 'elements.js', 'chart.js', 'tables.js', 'status.js'].map(readScript).join('\n')
const frame = readFileSync(new URL('status.html', import.meta.url), 'utf8')

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

function readScript(name: string): string {
  const text = readFileSync(new URL(name, import.meta.url), 'utf8')
  return text.replaceAll(/^import \{[^}]*\} from '[^']*'\n/gm, '').replaceAll(/^export /gm, '')
}

/** CSP level 2: of what stands between the tags, every byte of it. */
function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}
