/**
 * Folders, for who shows a store to people: what lies directly below a prefix, and not the whole tree. A thing beside the port, because
 * nothing that keeps metadata needs it.
 */
import type { ListedObject, ListOptions, ObjectStore } from './port.ts'

export type FolderEntry =
  /** Its key ends in a slash. */
  { readonly kind: 'folder'; readonly key: string } | { readonly kind: 'object'; readonly object: ListedObject }

export interface FolderStore extends ObjectStore {
  /**
   * What lies directly below a prefix, which is empty or ends in a slash, in byte order of the keys. Of S3 a folder is what keys have in
   * common; of a directory it is one, even where it is empty.
   *
   * @param options `startAfter` may be the key of a folder: then it is passed over with all that lies in it
   */
  listFolder(prefix: string, options?: ListOptions): AsyncIterable<FolderEntry>
}

export function entryKey(entry: FolderEntry): string {
  return entry.kind === 'folder' ? entry.key : entry.object.key
}
