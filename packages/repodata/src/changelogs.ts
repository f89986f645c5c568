/**
 * The changelog of a package (parsehdr.c `cr_package_from_header`, the part "Changelogs").
 */
import { type Header, Tag } from '@repokeeper/rpm-parser'

/** One `<changelog>`; texts are the header's bytes. */
export interface RawChangelog {
  readonly author: Uint8Array
  /** Seconds since 1970. */
  readonly date: number
  readonly text: Uint8Array
}

/** createrepo_c's `--changelog-limit` is 10 unless one says otherwise. */
const entriesMax = 10

/**
 * The first entries of the header (rpm keeps the newest first), oldest first. Two entries of one time would lose their
 * order in the sqlite of old clients, so the newer one's time is raised by one, and the next one's in turn.
 */
export function readChangelogs(header: Header): RawChangelog[] {
  const times = header.numbers(Tag.CHANGELOGTIME)
  const authors = header.stringArrayBytes(Tag.CHANGELOGNAME)
  const texts = header.stringArrayBytes(Tag.CHANGELOGTEXT)

  const newestFirst: { author: Uint8Array; date: number; text: Uint8Array }[] = []
  let lastTime = 0
  for (const [index, time] of times.entries()) {
    const author = authors[index]
    const text = texts[index]
    if (author === undefined || text === undefined || newestFirst.length === entriesMax) break
    if (time === lastTime) raiseEqualTimes(newestFirst, time)
    lastTime = time
    newestFirst.push({ author: withoutTrailingSpaces(author), date: time, text })
  }
  return newestFirst.reverse()
}

function raiseEqualTimes(newestFirst: { date: number }[], time: number): void {
  let taken = time
  for (const newer of newestFirst.toReversed()) {
    if (newer.date !== taken) return
    newer.date += 1
    taken += 1
  }
}

/** Only spaces, and never the first character: so does createrepo_c. */
function withoutTrailingSpaces(author: Uint8Array): Uint8Array {
  let end = author.length
  while (end > 1 && author[end - 1] === 0x20) end -= 1
  return author.subarray(0, end)
}
