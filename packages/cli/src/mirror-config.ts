/**
 * A YAML file of mirrors, for a scheduled job: everything that is wrong with it is told at once.
 */
import type { UpstreamAddress } from '@repokeeper/transfer'
import { parse as parseYaml } from 'yaml'
import * as z from 'zod'
import { UsageError } from './failure.ts'
import { parseTarget } from './local-package.ts'
import type { MirrorJob } from './mirror-repository.ts'
import { parseSince } from './mirror-since.ts'
import { wrongCopy } from './wrong-copy.ts'

const text = z.string().min(1, 'is empty')
const flag = z.boolean().default(false)
/** One, or a list. */
const texts = z
  .union([text, z.array(text)], 'expected a text, or a list of them')
  .transform((value) => [value].flat())
  .default([])

/** A date that YAML has for one is a text here. */
const since = z.string('expected a time such as 30d, or a date in quotes').optional()

const Entry = z
  .strictObject({
    upstream: text.optional(),
    mirrorlist: text.optional(),
    metalink: text.optional(),
    to: z.string('name the repository that it goes to').min(1, 'name the repository that it goes to'),
    key: texts,
    include: texts,
    exclude: texts,
    arch: texts,
    newest: z.number().int().min(1).max(999_999).optional(),
    since,
    directory: z.string().default(''),
    replace: flag,
    prune: flag,
    packagesOnly: flag,
    keepUpstreamMetadata: flag,
  })
  .refine(({ upstream, mirrorlist, metalink }) => [upstream, mirrorlist, metalink].filter(Boolean).length === 1, {
    error: 'name one of upstream, mirrorlist and metalink',
  })

const Config = z.array(Entry, 'expected a list of mirrors, such as "- upstream: https://…"').min(1, 'names no mirror')

/** @param now milliseconds since 1970 @throws UsageError with all that is wrong */
export function readMirrorConfig(path: string, yaml: string, now: number): MirrorJob[] {
  const parsed = Config.safeParse(readYaml(path, yaml))
  const problems = (parsed.error?.issues ?? []).map((issue) => describe(issue))
  const jobs = (parsed.data ?? []).flatMap((entry, at) => jobOf(entry, `[${at}]`, now, problems))
  if (problems.length > 0) throw new UsageError(`${path} cannot be used:`, problems)
  return jobs
}

function readYaml(path: string, yaml: string): unknown {
  try {
    return parseYaml(yaml)
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error)
    throw new UsageError(`${path} is not YAML: ${reason}`)
  }
}

function describe({ path, message, ...issue }: z.core.$ZodIssue): string {
  const [at, ...names] = path.map(String)
  const where = at === undefined ? '' : `[${at}]${names.map((name) => ` ${name}`).join('')}: `
  if (issue.code !== 'unrecognized_keys') return `${where}${message.replace(/^Invalid (?:input|option): /, '')}`
  return `${where}there is no ${issue.keys.join(', ')}; there are ${Object.keys(Entry.shape).join(', ')}`
}

function jobOf(entry: z.infer<typeof Entry>, where: string, now: number, problems: string[]): MirrorJob[] {
  const { key, to, arch, newest, include, exclude, replace, prune, packagesOnly, keepUpstreamMetadata } = entry
  const sinceSeconds = entry.since === undefined ? undefined : parseSince(entry.since, now)
  if (entry.since !== undefined && sinceSeconds === undefined) {
    problems.push(`${where} since: expected a time such as 30d, or a date such as 2026-11-01`)
  }
  let directory = ''
  try {
    directory = parseTarget(entry.directory)
  } catch (error) {
    problems.push(`${where} directory: ${error instanceof Error ? error.message : String(error)}`)
  }
  const job: MirrorJob = {
    ...{ upstream: addressOf(entry), repository: to, keys: key, include, exclude, arches: arch, newest, sinceSeconds },
    ...{ directory, replace, prune, packagesOnly, keepUpstreamMetadata },
  }
  const wrong = wrongCopy(job)
  if (wrong !== undefined) problems.push(`${where} keepUpstreamMetadata: ${wrong}`)
  return [job]
}

function addressOf({ upstream, mirrorlist, metalink }: z.infer<typeof Entry>): UpstreamAddress {
  if (mirrorlist !== undefined) return { kind: 'mirrorlist', place: mirrorlist }
  if (metalink !== undefined) return { kind: 'metalink', place: metalink }
  return { kind: 'any', place: upstream ?? '' }
}
