/**
 * Where each page lies, below the site's own directory. Names are hostile: what could lead elsewhere, or what a web server could
 * read in two ways, is written in another way.
 */
import { createHash } from 'node:crypto'

export const frontPath = 'index.html'
export const stylePath = 'style.css'
export const scriptPath = 'site.js'
export const shardsPath = 'search/shards.json'

export function packagePath(name: string): string {
  return `package/${fileNameOf(name)}.html`
}

/** Of a run of names. @param first the first of them @param isFirst whether their letter begins with them */
export function listPath(letter: string, first: string, isFirst: boolean): string {
  return `list/${isFirst ? letter : `${letter}-${digestOf(first)}`}.html`
}

export function shardPath(first: string): string {
  return `search/${digestOf(first)}.json`
}

export function repoFilePath(id: string): string {
  return `${id}.repo`
}

/** Whether a site of ours may have such a file, now or in another version of its repository. */
export function isSitePath(path: string): boolean {
  return ownPaths.test(path)
}

const ownPaths =
  /^(?:index\.html|style\.css|site\.js|package\/[^/]+\.html|list\/[^/]+\.html|search\/[^/]+\.json|[^/]+\.repo)$/

/** Of a `.repo` file; `undefined` for any other. */
export function repoFileId(path: string): string | undefined {
  return path.endsWith('.repo') ? path.slice(0, -'.repo'.length) : undefined
}

/** As it stands in a link. A plus is a space to some stores, so it is encoded as well. */
export function hrefOf(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}

/** File systems hold names of up to 255 bytes. */
const fileNameMax = 200

/**
 * Letters, digits, `+`, `-`, `_` and dots within stay; of the rest each byte is `~` and its hex. So `..` and a slash lead
 * nowhere, nothing is hidden, and two names never meet. A name that is too long is cut, and ends in its digest.
 */
export function fileNameOf(name: string): string {
  const written = Buffer.from(name)
    .toString('latin1')
    .replaceAll(/[^A-Za-z0-9+._-]|^\./g, (byte) => `~${byte.charCodeAt(0).toString(16).padStart(2, '0')}`)
  return written.length > fileNameMax ? `${written.slice(0, 120)}~~${digestOf(name)}` : written
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
