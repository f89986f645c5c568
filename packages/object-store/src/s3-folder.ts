import { entryKey, type FolderEntry } from './folder.ts'
import { compareKeys, keyProblem } from './key.ts'
import type { ListOptions } from './port.ts'
import type { S3Connection } from './s3-connection.ts'
import { heldMax, promisesOrder, readItem, readKey, readPage } from './s3-list.ts'

/**
 * ListObjectsV2 with a delimiter. As in s3-list.ts: what other servers than Amazon's list is put in order here, and as much of it as can be held.
 */
export async function* listS3Folder(
  connection: S3Connection,
  prefix: string,
  { startAfter, signal }: ListOptions,
): AsyncGenerator<FolderEntry> {
  // Nothing in a folder sorts behind this.
  const after = startAfter?.endsWith('/') ? `${startAfter}\u{10ffff}` : startAfter
  const held: FolderEntry[] = []
  let token: string | undefined
  do {
    const page = await readPage(connection, { prefix, delimiter: '/', startAfter: after, token, signal })
    const entries: FolderEntry[] = [
      ...(page.Contents ?? []).map((item): FolderEntry => {
        const key = readKey(connection, item.Key, page.EncodingType)
        return { kind: 'object', object: readItem(connection, key, item) }
      }),
      ...(page.CommonPrefixes ?? []).map(({ Prefix }): FolderEntry => {
        return { kind: 'folder', key: readKey(connection, Prefix, page.EncodingType) }
      }),
    ].filter((entry) => isBelow(entryKey(entry), prefix, startAfter))
    if (promisesOrder(connection)) yield* inOrder(entries)
    else held.push(...entries)
    const next = page.IsTruncated === true ? page.NextContinuationToken : undefined
    // The same one again would never end.
    token = next === token ? undefined : next
  } while (token !== undefined && held.length < heldMax)
  yield* inOrder(held)
}

/** A marker of the folder itself is no entry of it. */
function isBelow(key: string, prefix: string, startAfter: string | undefined): boolean {
  if (!key.startsWith(prefix) || key === prefix || keyProblem(key) !== undefined || key.endsWith('//')) return false
  return startAfter === undefined || compareKeys(key, startAfter) > 0
}

function inOrder(entries: FolderEntry[]): FolderEntry[] {
  return entries.sort((a, b) => compareKeys(entryKey(a), entryKey(b)))
}
