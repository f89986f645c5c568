/**
 * What `doctor` looks at in S3: who asks, the bucket, its clock, its conditions, and the metadata.
 */
import { probeConditions, type S3Bucket, StoreError } from '@repokeeper/object-store'
import { type IndexedSnapshot, readIndexedSnapshot, readMirrorlist, recordKey, repomdKey } from '@repokeeper/repository'
import { atATime } from './at-a-time.ts'
import type { Cli } from './cli.ts'
import { keyToName } from './command-to-copy.ts'
import { examineSignature } from './examine-signature.ts'
import { CommandError } from './failure.ts'
import { looking, type OnFinding } from './finding.ts'
import type { OpenRepository } from './open-repository.ts'
import { count } from './text-layout.ts'

/** AWS, "RequestTimeTooSkewed": what is signed with a time that differs by more than 15 minutes is refused. */
const skewMs = { warning: 60_000, problem: 10 * 60_000 } as const
const headsAtATime = 8

/** @returns whether the bucket can be asked for more */
export async function examineStore(
  repository: OpenRepository,
  bucket: S3Bucket,
  onFinding: OnFinding,
  { environment }: Cli,
): Promise<boolean> {
  onFinding({ check: 'region', verdict: 'ok', message: `${bucket.region}, ${await endpointOf(bucket)}` })
  const credentials = await bucket.findCredentials()
  if (credentials.kind === 'found') onFinding({ check: 'credentials', verdict: 'ok', message: 'found' })
  else {
    const remedy = 'Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine a role'
    onFinding({ check: 'credentials', verdict: 'problem', message: `none found: ${credentials.reason}`, remedy })
    return false
  }
  let isThere = false
  await looking({ check: 'bucket' }, onFinding, async () => {
    isThere = await examineBucket(bucket, repository, onFinding)
  })
  if (!isThere) return false
  await looking({ check: 'clock' }, onFinding, () => examineClock(repository, onFinding))
  await looking({ check: 'conditional writes' }, onFinding, () => examineConditions(repository, onFinding))
  await looking({ check: 'metadata' }, onFinding, () => examineMetadata(repository, environment, onFinding))
  await looking({ check: 'mirrorlist' }, onFinding, () => examineMirrorlist(repository, onFinding))
  await looking({ check: 'signature' }, onFinding, () => examineSignature(repository, onFinding))
  return true
}

async function endpointOf(bucket: S3Bucket): Promise<string> {
  const url = await bucket.urlOf('').catch(() => undefined)
  return url === undefined || !URL.canParse(url) ? 'endpoint unknown' : new URL(url).origin
}

async function examineBucket(
  bucket: S3Bucket,
  { name, toCopy }: OpenRepository,
  onFinding: OnFinding,
): Promise<boolean> {
  const found = await bucket.look()
  if (found === 'there') {
    onFinding({ check: 'bucket', verdict: 'ok', message: `${bucket.name} answers` })
    return true
  }
  if (found === 'absent') {
    const remedy = `Check its name and the endpoint; "${toCopy('init', name)}" makes one`
    onFinding({ check: 'bucket', verdict: 'problem', message: `there is no ${bucket.name}`, remedy })
    return false
  }
  // A worker may be allowed to list below its repository only: HeadBucket is more than it needs.
  const message = `these credentials may not look at ${bucket.name} as a whole: s3:ListBucket on ${bucket.arn}`
  onFinding({
    check: 'bucket',
    verdict: 'warning',
    message,
    remedy: 'Where it is your own bucket, the rest says whether it matters',
  })
  return true
}

async function examineClock({ location }: OpenRepository, onFinding: OnFinding): Promise<void> {
  const before = Date.now()
  const there = (await location.store.clock({ near: repomdKey(location.root) })).getTime()
  const here = (before + Date.now()) / 2
  // S3 says whole seconds, cut off.
  const differenceMs = Math.max(0, Math.abs(here - (there + 500)) - 500)
  const message = `this machine's differs from the store's by ${(differenceMs / 1_000).toFixed(differenceMs < 10_000 ? 1 : 0)} s`
  if (differenceMs < skewMs.warning) onFinding({ check: 'clock', verdict: 'ok', message })
  else {
    const verdict = differenceMs < skewMs.problem ? 'warning' : 'problem'
    onFinding({
      check: 'clock',
      verdict,
      message,
      remedy: 'Set it right (NTP): requests with a wrong time are refused',
    })
  }
}

async function examineConditions({ location, singleWriter }: OpenRepository, onFinding: OnFinding): Promise<void> {
  const check = 'conditional writes'
  const { store, root } = location
  try {
    const probe = await probeConditions(store, `${root}repodata/`, { random: Math.random })
    if (probe.kind === 'honoured') return onFinding({ check, verdict: 'ok', message: 'honoured' })
    const why =
      probe.kind === 'ignored' ? `ignored (${probe.which})` : `not supported (${probe.which}: ${probe.reason})`
    const remedy = singleWriter
      ? 'You vouch for a single writer'
      : 'Two workers would lose packages: use another store, or --single-writer where one process alone publishes'
    onFinding({ check, verdict: singleWriter ? 'warning' : 'problem', message: why, remedy })
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'ACCESS_DENIED') throw error
    const remedy = 'A worker needs that right; with its credentials this could be tried'
    onFinding({ check, verdict: 'warning', message: `could not be tried: ${error.message}`, remedy })
  }
}

async function examineMetadata(
  repository: OpenRepository,
  environment: Cli['environment'],
  onFinding: OnFinding,
): Promise<void> {
  const check = 'metadata'
  const { name, toCopy } = repository
  const snapshot = await readIndexedSnapshot(repository.location, repository.context())
  const { etag, repomd, index } = snapshot
  if (etag === undefined) {
    const remedy = `"${toCopy('init', name)}" makes an empty one, "${toCopy('rebuild', name)}" one of what is there`
    onFinding({ check, verdict: 'warning', message: 'there is no repodata/repomd.xml yet', remedy })
    return
  }
  const wrong = await wrongRecords(repository, snapshot)
  if (wrong.length > 0) {
    const mend = toCopy('audit', name, '--repair', ...(await keyToName(repository, environment)))
    throw new CommandError('BROKEN_METADATA', `${wrong.join('; ')}: clients fail. "${mend}" mends it`)
  }
  const message = `revision ${repomd.revision ?? '(none)'}, ${count(index.packages.length, 'package')}, every document is there`
  onFinding({ check, verdict: 'ok', message })
}

/** Only where there is one of ours: most repositories have none. */
async function examineMirrorlist(repository: OpenRepository, onFinding: OnFinding): Promise<void> {
  const check = 'mirrorlist'
  const mirrorlist = (await readMirrorlist(repository.location, repository.context()))?.mirrorlist
  if (mirrorlist === undefined) return
  const { generation, isPinned } = mirrorlist
  if (!isPinned) return onFinding({ check, verdict: 'ok', message: `it names generation ${generation}` })
  const message = `it is pinned to generation ${generation}: clients do not see what is published`
  const remedy = `"repokeeper rollback ${repository.name} --resume" lets it follow again`
  onFinding({ check, verdict: 'warning', message, remedy })
}

/** A quick look: is each document there, with the size that repomd.xml says? The bytes are what an audit reads. */
async function wrongRecords(
  { location }: OpenRepository,
  { repomd }: Pick<IndexedSnapshot, 'repomd'>,
): Promise<string[]> {
  const keys = repomd.records.map((record) => ({ record, key: recordKey(location, record) }))
  const heads = await atATime(keys, headsAtATime, async ({ record, key }) => {
    const head = await location.store
      .head(key)
      .catch((error: unknown) => (error instanceof StoreError ? error : undefined))
    if (head instanceof StoreError) return [`${record.href}: ${head.message}`]
    if (head === undefined) return [`${record.href} is not there`]
    const { size } = record
    return size === undefined || size === head.size
      ? []
      : [`${record.href} has ${head.size} bytes, and should have ${size}`]
  })
  return heads.flat()
}
