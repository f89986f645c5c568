/**
 * The three documents and their frames (createrepo_c xml_file.c, `XML_PRIMARY_HEADER` and its neighbours).
 */

export const documentKinds = ['primary', 'filelists', 'other'] as const
export type DocumentKind = (typeof documentKinds)[number]

interface DocumentFrame {
  readonly root: string
  readonly namespace: string
}

export const documentFrames: Readonly<Record<DocumentKind, DocumentFrame>> = {
  primary: { root: 'metadata', namespace: 'http://linux.duke.edu/metadata/common' },
  filelists: { root: 'filelists', namespace: 'http://linux.duke.edu/metadata/filelists' },
  other: { root: 'otherdata', namespace: 'http://linux.duke.edu/metadata/other' },
}

export const rpmNamespace = 'http://linux.duke.edu/metadata/rpm'

/**
 * What may stand in the place of a document's namespace. No client looks at it, so nobody noticed that Gitea gives filelists
 * the one of other (services/packages/rpm/repository.go `buildFilelists`).
 */
export function isMetadataNamespace(uri: string): boolean {
  return uri.startsWith('http://linux.duke.edu/metadata/')
}

/** Everything before the first entry, with the number of entries that follow. */
export function formatHead(kind: DocumentKind, packages: number): Buffer {
  const { root, namespace } = documentFrames[kind]
  const rpm = kind === 'primary' ? ` xmlns:rpm="${rpmNamespace}"` : ''
  return Buffer.from(
    `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="${namespace}"${rpm} packages="${packages}">\n`,
  )
}

/** Everything behind the line end of the last entry. */
export function formatFoot(kind: DocumentKind): Buffer {
  return Buffer.from(`</${documentFrames[kind].root}>\n`)
}
