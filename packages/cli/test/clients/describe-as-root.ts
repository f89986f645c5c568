import { describe } from 'vitest'
import type { Client } from '../../../../fixtures/clients.ts'
import { describeWithClients } from '../../../../fixtures/describe-with-clients.ts'

/** `describeWithClients` for clients that refuse to work for anybody else; skipped, and said so, for other users. */
export function describeAsRoot(wanted: readonly Client[], title: string, body: () => void): void {
  if (process.getuid?.() === 0) describeWithClients(wanted, title, body)
  else describe.skip(title, { meta: { skipReason: `only root may run: ${wanted.join(', ')}` } }, body)
}
