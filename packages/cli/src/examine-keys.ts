/**
 * What `doctor` says of keys that are over soon.
 */
import { readRepomd } from '@repokeeper/repository'
import { describeExpiry } from '@repokeeper/worker/key-expiry'
import type { Cli } from './cli.ts'
import type { Connection } from './connection.ts'
import { expiringKeys } from './expiring-keys.ts'
import { looking, type OnFinding } from './finding.ts'
import type { OpenRepository } from './open-repository.ts'

interface KeyScene {
  readonly repository: OpenRepository
  /** The keys beside its metadata cannot be asked for otherwise. */
  readonly isReachable: boolean
  /** Sources of keys whose signatures over packages count. */
  readonly keyring: readonly string[]
}

/** Says nothing where all is well and no keyring was given: the look at the signature says of the key that signs until when it lasts. */
export async function examineKeys(
  { repository, isReachable, keyring }: KeyScene,
  connection: Connection,
  onFinding: OnFinding,
  cli: Cli,
): Promise<void> {
  const check = 'keys'
  await looking({ check }, onFinding, async () => {
    const { stored } = isReachable ? await readRepomd(repository.location, repository.context()) : { stored: undefined }
    const now = new Date()
    const keys = await expiringKeys({ repository, repomd: stored?.bytes, keyring }, connection, cli, now)
    const untold = keys.filter(({ use }) => use !== 'signs')
    for (const key of untold) onFinding({ check, verdict: 'warning', ...describeExpiry(key, now) })
    if (untold.length > 0 || keyring.length === 0) return
    onFinding({ check, verdict: 'ok', message: `none of ${keyring.join(', ')} is over within 30 days` })
  })
}
