import { describeFailure } from './failure.ts'

/** What a look of `doctor` found. */
export interface Finding {
  readonly check: string
  readonly verdict: 'ok' | 'warning' | 'problem'
  readonly message: string
  /** What to do. */
  readonly remedy?: string
}

export type OnFinding = (finding: Finding) => void

/** A look that cannot be taken is a finding like any other: the others are taken all the same. */
export async function looking(check: string, onFinding: OnFinding, look: () => Promise<void>): Promise<void> {
  try {
    await look()
  } catch (error) {
    onFinding({ check, verdict: 'problem', message: describeFailure(error, false).message })
  }
}
