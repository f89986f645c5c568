/**
 * What a mirror is of: a repository under one address, or under any of several that a mirrorlist or a metalink names.
 */
import { discardBody, readBody } from '@repokeeper/object-store'
import { expectRepomd } from './expect-repomd.ts'
import { type MirrorList, parseMirrorList } from './mirror-list.ts'
import { repomdPath } from './read-generation.ts'
import type { RepositorySource } from './source.ts'
import { TransferError } from './transfer-error.ts'
import { WebReader, type WebReaderOptions } from './web-reader.ts'
import { parseWebUrl, webSource } from './web-source.ts'

export interface UpstreamAddress {
  /** `any`: what answers there says what it is. */
  readonly kind: 'any' | 'mirrorlist' | 'metalink'
  /** http:// or https:// URL; of `any` also a bucket or a directory. */
  readonly place: string
}

export interface Upstream {
  /** Under which a repository remembers what came from it: without a password. */
  readonly name: string
  /** The same repository, in the order in which it is tried; one at least. */
  readonly sources: readonly RepositorySource[]
  /** Where packages lie that the metadata places elsewhere (`xml:base`). */
  elsewhere(base: URL): RepositorySource
  close(): Promise<void>
}

export interface OpenUpstreamOptions extends WebReaderOptions {
  /** A bucket or a directory. */
  readonly openPlace: (place: string) => Promise<RepositorySource>
}

const listBytesMax = 2 ** 20

/** @throws TransferError `NO_METADATA` where nothing of the kind is there; WebError, and what `openPlace` throws */
export async function openUpstream(address: UpstreamAddress, options: OpenUpstreamOptions): Promise<Upstream> {
  const { kind, place } = address
  const url = parseWebUrl(place)
  if (url === undefined) {
    if (kind !== 'any') throw new TransferError('NO_METADATA', `${place} is no http:// or https:// URL of a ${kind}`)
    return upstreamOf([await options.openPlace(place)], options)
  }
  // What has a query is no directory.
  if (kind === 'any' && url.search === '') {
    const source = webSource(url, options)
    if (await hasRepomd(source)) return upstreamOf([source], options)
    await source.close()
  }
  const list = await readList(url, options)
  const expected = kind === 'any' ? 'a repository, a mirrorlist or a metalink' : `a ${kind}`
  if (list === undefined || (kind !== 'any' && list.kind !== kind)) {
    throw new TransferError('NO_METADATA', `${nameOf(url)} is not ${expected}: check the address`)
  }
  const { repomds } = list
  const sources = list.bases.map((base) => webSource(base, options))
  const checked = repomds.length === 0 ? sources : sources.map((source) => expectRepomd(source, repomds))
  return { ...upstreamOf(checked, options), name: nameOf(url) }
}

async function hasRepomd(source: RepositorySource): Promise<boolean> {
  const answer = await source.open(repomdPath)
  if (answer.kind !== 'found') return false
  await discardBody(answer.body)
  return true
}

async function readList(url: URL, options: WebReaderOptions): Promise<MirrorList | undefined> {
  const reader = new WebReader(options)
  try {
    const answer = await reader.get(url)
    return answer.kind === 'found' ? parseMirrorList(await readBody(answer.body, listBytesMax)) : undefined
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    const message = `${nameOf(url)} is longer than the ${listBytesMax} bytes of a list of mirrors`
    throw new TransferError('BAD_SOURCE', message, { cause: error })
  } finally {
    reader.close()
  }
}

function upstreamOf(sources: readonly RepositorySource[], options: WebReaderOptions): Upstream {
  const [first] = sources
  const others = new Map<string, RepositorySource>()
  return {
    name: first?.name ?? '',
    sources,
    elsewhere(base) {
      const source = others.get(base.href) ?? webSource(base, options)
      others.set(base.href, source)
      return source
    },
    async close() {
      for (const source of [...sources, ...others.values()]) await source.close()
    },
  }
}

function nameOf({ origin, pathname, search }: URL): string {
  return `${origin}${pathname}${search}`
}
