/**
 * A repository as somebody sees it who may do nothing but read: over the web, in a bucket, in a directory.
 */
import { parseStoreUrl } from '@repokeeper/object-store'
import { describeLocation, parseRepositoryRoot } from '@repokeeper/repository'
import type { Connection } from './connection.ts'
import { openConnected, requireDirectory } from './open-repository.ts'
import { WebReader, type WebReaderOptions } from './web-reader.ts'

export interface RepositoryView {
  /** For messages, with no slash at its end. */
  readonly name: string
  /**
   * @param path below the root of the repository
   * @returns the bytes as they come; `undefined` where nothing is there
   * @throws StoreError, WebError
   */
  open(path: string): Promise<AsyncIterable<Uint8Array> | undefined>
  close(): Promise<void>
}

/** @throws CommandError, RootError, StoreUrlError */
export async function openView(
  place: string,
  connection: Connection,
  options: Pick<WebReaderOptions, 'signal' | 'silenceMs'>,
): Promise<RepositoryView> {
  const url = parseWebUrl(place)
  if (url !== undefined) return webView(url, new WebReader(options))
  const address = parseStoreUrl(place)
  const root = parseRepositoryRoot(address.prefix)
  if (address.kind === 'directory') await requireDirectory(address.path)
  const store = openConnected(address, connection)
  const name = address.kind === 'directory' ? address.path : describeLocation({ store, root })
  return {
    name: name.replace(/\/+$/, ''),
    async open(path) {
      const { signal } = options
      const got = await store.get(`${root}${path}`, signal === undefined ? {} : { signal })
      return got.kind === 'found' ? got.body : undefined
    },
    close: () => store.close(),
  }
}

/** `undefined`: the text names something else. */
export function parseWebUrl(text: string): URL | undefined {
  return /^https?:\/\//i.test(text) ? (URL.parse(text) ?? undefined) : undefined
}

function webView(base: URL, reader: WebReader): RepositoryView {
  const root = new URL(base)
  root.pathname = root.pathname.replace(/\/*$/, '/')
  return {
    name: `${root.origin}${root.pathname.replace(/\/$/, '')}`,
    open: (path) => reader.get(below(root, path)),
    close: async () => reader.close(),
  }
}

/** S3 takes a plus in a path for a space: everything that may be is encoded, as dnf does it. */
function below(root: URL, path: string): URL {
  const url = new URL(root)
  url.pathname += path.split('/').map(encodeURIComponent).join('/')
  return url
}
