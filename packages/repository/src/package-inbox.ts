/**
 * Inboxes: directories of a bucket whose packages move to where repositories are. `inbox/a/b.rpm` becomes `repo/a/b.rpm`, or, where it is not let
 * in, `rejected/a/b.rpm`, with the reason beside it. Pure: which key leads where.
 */
import { createHash } from 'node:crypto'
import { parseRepositoryRoot, RootError } from './roots.ts'

/** Directories end in a slash; none of the three lies in another. */
export interface PackageInbox {
  readonly from: string
  readonly to: string
  readonly rejected: string
  /** A package may take the place of another file of its name. */
  readonly replaces: boolean
}

export interface InboxTexts {
  readonly from: string
  readonly to: string
  readonly rejected: string
  readonly replaces: boolean
}

/**
 * Directories as people write them: `inbox`, `/inbox/`.
 * @throws RootError where one lies in another: what is in the inbox, or was rejected, would be listed
 */
export function parsePackageInbox({ from, to, rejected, replaces }: InboxTexts): PackageInbox {
  const directories = {
    from: directoryOf(from, 'inbox'),
    to: directoryOf(to, 'repositories'),
    rejected: directoryOf(rejected, 'rejected'),
  }
  const pairs = [
    ['from', 'to'],
    ['rejected', 'to'],
    ['from', 'rejected'],
  ] as const
  for (const [one, other] of pairs) {
    const [a, b] = [directories[one], directories[other]]
    if (!a.startsWith(b) && !b.startsWith(a)) continue
    throw new RootError(
      `an inbox from ${JSON.stringify(from)} to ${JSON.stringify(to)} with what is rejected in ${JSON.stringify(rejected)}: none of the three ` +
        `directories may lie in another, and ${JSON.stringify(a)} and ${JSON.stringify(b)} do`,
    )
  }
  return { ...directories, replaces }
}

function directoryOf(text: string, what: string): string {
  const directory = parseRepositoryRoot(text)
  if (directory === '')
    throw new RootError(`the whole bucket cannot be the directory of the ${what} of an inbox: name one in it`)
  return directory
}

/**
 * Several in one bucket.
 * @throws RootError also where what one takes in, or rejects, lies where another one puts packages
 */
export function parsePackageInboxes(texts: readonly InboxTexts[]): PackageInbox[] {
  const inboxes = texts.map(parsePackageInbox)
  for (const { from, rejected } of inboxes) {
    for (const { to } of inboxes) {
      const inner = [from, rejected].find((one) => one.startsWith(to) || to.startsWith(one))
      if (inner !== undefined)
        throw new RootError(`${inner} and ${to}, directories of two inboxes, lie in each other: name others`)
    }
  }
  const taken = inboxes.map(({ from }) => from).toSorted()
  const twice = taken.find((from, at) => at > 0 && from.startsWith(taken[at - 1] ?? ''))
  if (twice !== undefined) throw new RootError(`${twice} lies in two inboxes: name each directory once`)
  return inboxes
}

/** The inbox that a key lies in, and the key that it is meant for. */
export interface InboxPlace {
  readonly inbox: PackageInbox
  readonly target: string
}

export function inboxPlaceOf(key: string, inboxes: readonly PackageInbox[]): InboxPlace | undefined {
  const inbox = inboxes.find(({ from }) => key.startsWith(from))
  return inbox && { inbox, target: `${inbox.to}${key.slice(inbox.from.length)}` }
}

/** Where a key of an inbox goes that is not let in; the reason lies beside it. One that would be too long is known by its digest. */
export function rejectedKey(key: string, { from, rejected }: PackageInbox): string {
  const rejectedTo = `${rejected}${key.slice(from.length)}`
  if (Buffer.byteLength(rejectedTo) <= rejectedKeyBytesMax) return rejectedTo
  const digest = createHash('sha256').update(key).digest('hex')
  return `${rejected}${digest}.rpm`
}

/** S3: a key has at most 1,024 bytes; `.reason.txt` follows. */
const rejectedKeyBytesMax = 1_013

/** What was rejected is nobody's package any more. */
export function isRejected(key: string, inboxes: readonly PackageInbox[]): boolean {
  return inboxes.some(({ rejected }) => key.startsWith(rejected))
}
