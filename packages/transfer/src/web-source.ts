/**
 * A repository behind a web server.
 */
import type { RepositorySource } from './source.ts'
import { WebReader, type WebReaderOptions } from './web-reader.ts'

/** `undefined`: the text names something else. */
export function parseWebUrl(text: string): URL | undefined {
  return /^https?:\/\//i.test(text) ? (URL.parse(text) ?? undefined) : undefined
}

/** @param base of the repository, with or without a slash at its end */
export function webSource(base: URL, options: WebReaderOptions = {}): RepositorySource {
  const reader = new WebReader(options)
  const root = new URL(base)
  root.pathname = root.pathname.replace(/\/*$/, '/')
  return {
    name: `${root.origin}${root.pathname.replace(/\/$/, '')}`,
    open: (path, request = {}) => reader.get(below(root, path), { ...request, resumes: true }),
    close: async () => reader.close(),
  }
}

/** S3 takes a plus in a path for a space: everything that may be is encoded, as dnf does it. */
function below(root: URL, path: string): URL {
  const url = new URL(root)
  url.pathname += path.split('/').map(encodeURIComponent).join('/')
  return url
}
