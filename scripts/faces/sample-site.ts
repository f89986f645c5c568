/**
 * A repository in memory with its site, and a server of it. Whoever asks for something that is not there is remembered.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { MemoryStore, readBody } from '@repokeeper/object-store'
import { MemoryCache, parseRepositoryRoot, realContext, rebuildRepository } from '@repokeeper/repository'
import { type SiteOptions, writeSite } from '@repokeeper/repository/site'
import { buildPackage, type PackageSpec } from '@repokeeper/rpm-parser/testing'

export const sampleRoot = 'el9/x86_64/'

export async function makeSite(
  packages: readonly PackageSpec[],
  say: NonNullable<SiteOptions['say']> = {},
): Promise<MemoryStore> {
  let seconds = 1_794_200_000
  const clock = () => {
    seconds += 5_000
    return new Date(1000 * seconds)
  }
  const store = new MemoryStore({ clock })
  for (const spec of packages) {
    const { name, version = '1.0', release = '1', arch = 'noarch' } = spec
    const file = encodeURIComponent(`${name}-${version}-${release}.${arch}`).slice(0, 200)
    await store.put(`${sampleRoot}Packages/${file}.rpm`, buildPackage(spec), { if: 'always' })
  }
  const location = { store, root: parseRepositoryRoot(sampleRoot) }
  const context = {
    ...realContext({ cache: new MemoryCache(), onEvent: () => {} }),
    now: () => new Date(1000 * seconds),
  }
  await rebuildRepository(location, context)
  await writeSite(location, context, { say })
  return store
}

export interface ServedSite {
  readonly origin: string
  /** Of the site's front page. */
  readonly front: string
  close(): Promise<void>
}

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  json: 'application/json',
}

/** As a store behind a web server does it. */
export async function serveSite(store: MemoryStore): Promise<ServedSite> {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    const got = await store.get(decodeURIComponent(pathname.slice(1)))
    if (got.kind !== 'found') {
      response.writeHead(404).end()
      return
    }
    const type = types[pathname.split('.').at(-1) ?? ''] ?? 'application/octet-stream'
    response.writeHead(200, { 'content-type': type }).end(await readBody(got.body, got.head.size))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const origin = `http://127.0.0.1:${port}`
  const close = () => new Promise<void>((resolve) => void server.close(() => resolve()).closeAllConnections())
  return { origin, front: `${origin}/${sampleRoot}repoview/index.html`, close }
}
