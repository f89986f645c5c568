/**
 * Who has to see an upload: dnf, or a reader of the metadata that is as quick as one can be.
 */
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { openDnf } from '../../fixtures/dnf.ts'
import { atUrl, listedLocations } from './published.ts'

export const clientNames = ['dnf', 'reader'] as const
export type ClientName = (typeof clientNames)[number]

/**
 * One look at the repository.
 * @returns the locations that are listed; `undefined` where nothing changed since the look before
 */
export type Look = (signal: AbortSignal) => Promise<readonly string[] | undefined>

/** Between two looks of the reader. dnf takes longer than that by itself. */
const lookEveryMs = 20

/**
 * @param directory what the client keeps goes below it
 * @param url of the repository, with a slash at its end
 */
export function openClient(name: ClientName, at: { readonly directory: string; readonly url: string }): Promise<Look> {
  return name === 'dnf' ? dnfLook(at) : Promise.resolve(readerLook(at.url))
}

/** A whole run of dnf each time: it asks for repomd.xml, loads what is new, and lists all packages. */
async function dnfLook({ directory, url }: { readonly directory: string; readonly url: string }): Promise<Look> {
  const dnf = await openDnf(join(directory, 'dnf'), url)
  let before = ''
  return async () => {
    const { stdout } = await dnf('repoquery', '--quiet', '--location')
    if (stdout === before) return undefined
    before = stdout
    return stdout.split('\n').flatMap((line) => (line.startsWith(url) ? [decodeURI(line.slice(url.length))] : []))
  }
}

/** Asks for repomd.xml if it is another than before, and then reads its primary. */
function readerLook(url: string): Look {
  const read = atUrl(url)
  let etag: string | undefined
  return async (signal) => {
    await delay(lookEveryMs, undefined, { signal })
    const answer = await fetch(`${url}repodata/repomd.xml`, {
      signal,
      ...(etag !== undefined && { headers: { 'if-none-match': etag } }),
    })
    const repomd = await answer.text()
    if (answer.status === 304) return undefined
    if (answer.status !== 200) throw new Error(`repomd.xml: HTTP ${answer.status}`)
    etag = answer.headers.get('etag') ?? undefined
    return listedLocations(read, repomd)
  }
}
