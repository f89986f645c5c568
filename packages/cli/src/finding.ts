import { describeFailure } from './failure.ts'

/** What a look of `doctor` found. */
export interface Finding {
  readonly check: string
  /** Which one of several that are looked at alike. */
  readonly subject?: string
  readonly verdict: 'ok' | 'warning' | 'problem'
  readonly message: string
  /** What to do. */
  readonly remedy?: string
}

export type OnFinding = (finding: Finding) => void

/** What is looked at: of several alike, which. */
export type Looked = Pick<Finding, 'check' | 'subject'>

/** A look that cannot be taken is a finding like any other: the others are taken all the same. */
export async function looking(looked: Looked, onFinding: OnFinding, look: () => Promise<void>): Promise<void> {
  try {
    await look()
  } catch (error) {
    onFinding({ ...looked, verdict: 'problem', message: describeFailure(error, false).message })
  }
}
