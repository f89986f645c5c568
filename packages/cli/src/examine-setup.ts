/**
 * The work of `doctor`: one look at each thing that has to be right, said as it is found.
 */
import { openS3Bucket, parseStoreUrl, type S3Bucket } from '@repokeeper/object-store'
import manifest from '../package.json' with { type: 'json' }
import type { Cli } from './cli.ts'
import type { Connection } from './connection.ts'
import { examineKeys } from './examine-keys.ts'
import { examineQueues } from './examine-queues.ts'
import { examineStore } from './examine-store.ts'
import { keyringSources } from './expiring-keys.ts'
import { ExitCode, UsageError } from './failure.ts'
import { type Finding, looking } from './finding.ts'
import { connectionOptions, withRepository } from './open-repository.ts'
import { count } from './text-layout.ts'

interface DoctorOptions {
  readonly json: boolean
  /** None: those of the notifications. */
  readonly queues: readonly string[]
  /** Sources; none: those of the environment. */
  readonly keyring: readonly string[]
}

/** @returns the exit code: 1 where there is a problem */
export async function examineSetup(
  repo: string,
  { json, queues, keyring }: DoctorOptions,
  connection: Connection,
  cli: Cli,
): Promise<number> {
  const address = parseStoreUrl(repo)
  if (address.kind !== 's3') {
    throw new UsageError(
      `${repo}: a directory has no bucket and no queues; "repokeeper audit ${repo}" looks at what is in it`,
    )
  }
  const findings: Finding[] = []
  const onFinding = (finding: Finding): void => {
    findings.push(finding)
    if (!json) cli.output.print(lineOf(finding))
  }
  onFinding({ check: 'versions', verdict: 'ok', message: `repokeeper ${manifest.version}, Node ${process.version}` })
  const name = await withRepository(repo, connection, cli, async (repository) => {
    const { signal } = cli.interruption
    let bucket: S3Bucket | undefined
    await looking({ check: 'region' }, onFinding, async () => {
      bucket = await openS3Bucket({ ...connectionOptions(connection), bucket: address.bucket }, signal)
    })
    // Without a region there is nobody to ask.
    if (bucket === undefined) return repository.name
    try {
      const isReachable = await examineStore(repository, bucket, onFinding, cli)
      await examineKeys({ repository, isReachable, keyring: keyringSources(keyring, cli) }, connection, onFinding, cli)
      const { region } = bucket
      const scene = { bucket: isReachable ? bucket : undefined, bucketName: address.bucket, region, queues }
      await examineQueues(repository, scene, connection, onFinding, cli)
    } finally {
      bucket.close()
    }
    return repository.name
  })
  cli.interruption.signal.throwIfAborted()
  const problems = findings.filter(({ verdict }) => verdict === 'problem').length
  const warnings = findings.filter(({ verdict }) => verdict === 'warning').length
  if (json) cli.output.printJson({ repository: name, ok: problems === 0, problems, warnings, findings })
  else
    cli.output.print(
      `${name}: ${problems === 0 ? 'no problem' : count(problems, 'problem')}, ${count(warnings, 'warning')}`,
    )
  return problems === 0 ? ExitCode.done : ExitCode.failed
}

/** What is of any length comes last: a line is printed before the next one is known. */
function lineOf({ check, subject, verdict, message, remedy }: Finding): string {
  const said = subject === undefined ? message : `${subject}: ${message}`
  return `${verdict.padEnd(7)}  ${check.padEnd(18)}  ${said}${remedy === undefined ? '' : `. ${remedy}`}`
}
