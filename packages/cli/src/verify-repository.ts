/**
 * The work of `verify`: a repository as an outsider checks it, who knows an address and a key.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DocumentError, parseRepomd, recordOf, type ScratchFile } from '@repokeeper/repodata'
import { formatBytes } from '@repokeeper/repodata/format-bytes'
import { type Keyring, openKeyring } from '@repokeeper/signing'
import type { RepositorySource } from '@repokeeper/transfer'
import type { Cli } from './cli.ts'
import type { Connection } from './connection.ts'
import { ExitCode } from './failure.ts'
import { openSource } from './open-source.ts'
import { type Progress, startProgress } from './progress.ts'
import { count } from './text-layout.ts'
import { openBytesMax, verifyDocuments } from './verify-documents.ts'
import type { OnVerified, VerifyFinding } from './verify-finding.ts'
import { countPackages, type PackageTotals, verifyPackages } from './verify-packages.ts'
import { verifySignature } from './verify-signature.ts'

export interface VerifyOptions {
  /** Files of public keys. */
  readonly keys: readonly string[]
  readonly packages: boolean
  readonly allowUnsigned: boolean
  readonly concurrency: number
  readonly silenceMs: number
  readonly json: boolean
}

/** Of so many the report says everything; the others are counted. */
const findingsMax = 1_000

/** @returns the exit code: 1 where anything is wrong */
export async function verifyRepository(
  place: string,
  options: VerifyOptions,
  connection: Connection,
  cli: Cli,
): Promise<number> {
  const { output, interruption } = cli
  const { signal } = interruption
  const keyring = options.keys.length === 0 ? undefined : await openKeyring(options.keys, Date.now())
  for (const { file, keyId, reason } of keyring?.notes ?? []) {
    output.tell(`warning: ${file}: ${keyId === undefined ? '' : `${keyId}: `}${reason}`)
  }
  const tally = { ok: 0, wrong: 0, unchecked: 0 }
  const findings: VerifyFinding[] = []
  const onFinding: OnVerified = (finding) => {
    tally[finding.verdict] += 1
    if (findings.length < findingsMax) findings.push(finding)
    if (!options.json) output.print(lineOf(finding))
  }
  const source = await openSource(place, connection, { signal, silenceMs: options.silenceMs })
  const scratch = await mkdtemp(join(tmpdir(), 'repokeeper-verify-'))
  let totals: PackageTotals | undefined
  try {
    totals = await verify({ source, keyring, scratch, onFinding, options }, cli)
  } finally {
    await source.close()
    await rm(scratch, { recursive: true, force: true })
  }
  const ok = tally.wrong === 0
  if (options.json)
    output.printJson({
      repository: source.name,
      ok,
      wrong: tally.wrong,
      unchecked: tally.unchecked,
      ...totals,
      findings,
    })
  else output.print(`${source.name}: ${verdict(tally)}`)
  return ok ? ExitCode.done : ExitCode.failed
}

interface Verification {
  readonly source: RepositorySource
  readonly keyring: Keyring | undefined
  readonly scratch: string
  readonly onFinding: OnVerified
  readonly options: VerifyOptions
}

/** @returns what was looked at of the packages; `undefined` where nothing was */
async function verify(verification: Verification, cli: Cli): Promise<PackageTotals | undefined> {
  const { source, keyring, scratch, onFinding, options } = verification
  const { signal } = cli.interruption
  const bytes = await verifySignature({ source, keyring, onFinding, signal, now: Date.now })
  let primary: ScratchFile | undefined
  try {
    const repomd = parseRepomd(bytes)
    if (recordOf(repomd, 'primary') === undefined) {
      onFinding({ verdict: 'wrong', ...repomdItself, message: 'it names no primary' })
    }
    primary = await verifyDocuments(source, repomd, scratch, signal, onFinding)
    if (!options.packages) return undefined
    if (primary !== undefined) return await verifyListed(primary, verification, cli)
    const message = 'no package was looked at: there is no primary that is right'
    onFinding({ verdict: 'unchecked', what: 'packages', path: '', message })
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error
    onFinding({ verdict: 'wrong', ...repomdItself, message: error.message })
  } finally {
    await primary?.discard()
  }
  return undefined
}

const repomdItself = { what: 'repomd.xml', path: 'repodata/repomd.xml' }

async function verifyListed(
  file: ScratchFile,
  { source, keyring, onFinding, options }: Verification,
  { output, interruption }: Cli,
): Promise<PackageTotals> {
  const primary = { name: 'primary', open: () => file.bytes(), openBytesMax }
  const totals = await countPackages(primary)
  const progress: Progress = startProgress(output, { doing: 'verifying', unit: 'bytes', total: totals.bytes })
  let wrong = 0
  try {
    await verifyPackages({
      ...{ source, primary, keyring, allowUnsigned: options.allowUnsigned, atATime: options.concurrency },
      now: Date.now,
      signal: interruption.signal,
      onFinding(finding) {
        wrong += 1
        onFinding(finding)
      },
      onVerified: ({ size }) => progress.advance(size ?? 0),
    })
  } finally {
    progress.end()
  }
  if (wrong > 0) return totals
  const signatures = options.allowUnsigned ? 'signature, where there is one' : 'signature'
  const signed = keyring === undefined ? 'size and digest; no key was given (--key)' : `size, digest and ${signatures}`
  const message = `${count(totals.packages, 'package')}, ${formatBytes(totals.bytes)}: ${signed}`
  onFinding({ verdict: 'ok', what: 'packages', path: '', message })
  return totals
}

function lineOf({ verdict, what, path, message }: VerifyFinding): string {
  return `${verdict.padEnd(9)}  ${what.padEnd(10)}  ${path === '' ? '' : `${path}  `}${message}`
}

function verdict({ wrong, unchecked }: Readonly<Record<VerifyFinding['verdict'], number>>): string {
  const left = unchecked === 0 ? '' : `, ${unchecked} unchecked`
  return `${wrong === 0 ? 'nothing is wrong' : `${count(wrong, 'thing is', 'things are')} wrong`}${left}`
}
