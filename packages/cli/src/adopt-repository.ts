/**
 * The work of `adopt`: what is there, what would become of it, and with --yes that.
 */
import { formatBytes } from '@repokeeper/repodata/format-bytes'
import { type Adoption, adoptRepository, examineForAdoption, refuseToUnsign } from '@repokeeper/repository'
import type { Cli } from './cli.ts'
import { describeFailure, ExitCode } from './failure.ts'
import { nothingThere, type OpenRepository } from './open-repository.ts'
import { ensureConditions } from './publish-changes.ts'
import { rebuild } from './rebuild.ts'
import { count, enumerate, table } from './text-layout.ts'

interface AdoptOptions {
  readonly yes: boolean
  readonly json: boolean
}

/** @returns the exit code: 0, also where there is nothing to do; 1 where packages were left out or undecided */
export async function adopt(repository: OpenRepository, { yes, json }: AdoptOptions, cli: Cli): Promise<number> {
  const { output } = cli
  const { location, name } = repository
  const adoption = await examineForAdoption(location, repository.context())
  if (adoption.inBucket === 0 && adoption.revision === undefined) throw nothingThere(repository)
  if (!json) for (const line of linesOf(adoption, repository)) output.print(line)
  if (!yes || adoption.isAdopted) {
    if (json) output.printJson({ repository: name, dryRun: !yes, ok: true, ...adoption })
    else output.print(`${name}: ${verdict(adoption)}`)
    return ExitCode.done
  }
  if (adoption.revision === undefined) return rebuild(repository, { json, dryRun: false }, cli)
  await refuseToUnsign(location, repository.context())
  await ensureConditions(repository)
  const { verdicts, undecided, revision } = await adoptRepository(location, adoption, repository.context())
  const refused = [...verdicts].flatMap(([key, one]) =>
    one.kind === 'refused' ? [{ path: key.slice(location.root.length), code: one.code, reason: one.reason }] : [],
  )
  const left = [...undecided].map(([key, error]) => ({
    path: key.slice(location.root.length),
    reason: describeFailure(error, false).message,
  }))
  for (const { path, reason } of refused) output.tell(`${path}: left out: ${reason}`)
  for (const { path, reason } of left)
    output.tell(`${path}: not decided on: ${reason}; the same command again looks at it`)
  const ok = refused.length === 0 && left.length === 0
  if (json)
    output.printJson({
      repository: name,
      dryRun: false,
      ok,
      ...adoption,
      published: revision,
      refused,
      undecided: left,
    })
  else output.print(`${name}: adopted: revision ${revision ?? 'unchanged'} is written as repokeeper writes it`)
  return ok ? ExitCode.done : ExitCode.failed
}

function linesOf({ records, signed, ...adoption }: Adoption, { isDirectory }: OpenRepository): string[] {
  const { differences, unreadable, listedTwice, sameNevra, elsewhere, digests } = adoption
  const lines = table(
    records.map(({ type, compression, size, openSize, checksumType, isOurs, fate }) => [
      type,
      compression ?? 'not there',
      size === undefined ? '' : formatBytes(size).padStart(6),
      openSize === undefined ? '' : `${formatBytes(openSize)} open`,
      checksumType ?? 'no digest',
      isOurs ? "repokeeper's" : fate,
    ]),
  )
  const of = (kind: string): string[] => differences.flatMap((one) => (one.kind === kind ? [one.path] : []))
  const bad = new Set(unreadable.map(({ path }) => path))
  const missing = of('missing').filter((path) => !bad.has(path))
  const [changed, vanished] = [of('changed'), of('vanished')]
  const toRead = missing.length + changed.length
  const told: readonly (readonly [boolean, string])[] = [
    [signed, 'it is signed: publish it with its key (--sign-key), or say --unsigned'],
    [missing.length > 0, `${count(missing.length, 'package')} not listed, would be added: ${enumerate(missing)}`],
    ...unreadable.map(({ path, reason }) => [true, `not listed, and cannot be: ${path}: ${reason}`] as const),
    [
      changed.length > 0,
      `${count(changed.length, 'package')} listed as another file, would be read: ${enumerate(changed)}`,
    ],
    [
      vanished.length > 0,
      `${count(vanished.length, 'package')} listed and not there, would go: ${enumerate(vanished)}`,
    ],
    [listedTwice.length > 0, `${count(listedTwice.length, 'path')} listed twice: ${enumerate(listedTwice)}`],
    [
      sameNevra.length > 0,
      `${count(sameNevra.length, 'package')} at several paths, which stays so: ${enumerate(sameNevra.map(({ nevra }) => nevra))}`,
    ],
    [elsewhere > 0, `${count(elsewhere, 'package')} elsewhere by xml:base, which stays so`],
    [
      isDirectory && toRead > 0,
      `${count(toRead, 'package')} would be read whole: nothing tells the SHA-256 of a file in a directory`,
    ],
    [
      !isDirectory && digests.unknown > 0,
      `the store does not know the SHA-256 of ${digests.unknown} of ${digests.asked} packages that were asked for: such are read whole when their entry is made`,
    ],
  ]
  return [...lines.map((line) => line.trimEnd()), ...told.flatMap(([holds, line]) => (holds ? [line] : []))]
}

function verdict({ isAdopted, revision, inBucket, listed }: Adoption): string {
  const there = `${count(inBucket, 'package')} there, ${revision === undefined ? 'no metadata' : `${listed} listed`}`
  if (isAdopted) return `${there}: it is as repokeeper writes it, nothing is to be done`
  return `${there} (nothing was changed, --yes ${revision === undefined ? 'writes its metadata' : 'adopts it'})`
}
