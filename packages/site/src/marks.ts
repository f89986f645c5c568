/**
 * The mark at the beginning of each file of a site. What does not bear the mark of its place is somebody else's: it is never overwritten, and
 * never deleted.
 */
import { Html } from './html.ts'
import { frontPath, repoFileId, stylePath } from './site-paths.ts'

const generator = 'repokeeper site'

/** It stands so far at the beginning of a page. */
export const markBytesMax = 4_096

/** In the head of a page, before anything that a package says. @param toSite the way from the page to the site's own directory */
export function pageMark(toSite: '' | '../'): Html {
  // With the way, so that the front page of another site is not taken for a page of ours, in whose place it may lie.
  return new Html(
    `<meta name="generator" content="${generator}">\n<link rel="stylesheet" href="${toSite}${stylePath}">`,
  )
}

export const styleMark = `/* Made by ${generator}. */\n`
export const scriptMark = `// Made by ${generator}.\n`

/** Of the search index. */
export function formatMarkedJson(entries: readonly unknown[]): string {
  return `${jsonMark},"entries":${JSON.stringify(entries)}}\n`
}

const jsonMark = `{"generator":"${generator}"`

/** The first lines of a `.repo` file: a copy under another name is not ours any more. */
export function repoFileMark(id: string): string {
  return `# Made by ${generator}.\n[${id}]\n`
}

/** @param beginning the first `markBytesMax` bytes of what stands at this path of a site, or all of it */
export function isMarked(path: string, beginning: string): boolean {
  if (path.endsWith('.html')) return beginning.includes(pageMark(path === frontPath ? '' : '../').markup)
  const id = repoFileId(path)
  return beginning.startsWith(id === undefined ? markOfAsset(path) : repoFileMark(id))
}

function markOfAsset(path: string): string {
  if (path.endsWith('.css')) return styleMark
  return path.endsWith('.js') ? scriptMark : jsonMark
}
