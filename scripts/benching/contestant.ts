/**
 * Whoever takes part: given a repository and a change, it brings the metadata up to date, and says what that took.
 */
import type { CalibratedStyle } from './calibrated-repository.ts'
import type { Change } from './change.ts'
import type { Cost } from './measured-process.ts'
import type { ReadPublished } from './published.ts'

export interface Contestant {
  /** For tables, and for who looks for its figures. */
  readonly name: string
  /** Whose metadata it begins with; or with none, and the packages themselves. */
  readonly startsFrom: CalibratedStyle | 'packages'
  /** It can't take packages out, so that only the additions of a change are asked of it. */
  readonly onlyAdds?: boolean
  run(task: Task): Promise<Run>
  close?(): Promise<void>
}

export interface Task {
  /** How many there are before the change. */
  readonly packages: number
  /** A fresh copy of the calibrated repository, for this run alone. What happens before the clock runs may change it. */
  readonly directory: string
  /** For whatever else a run needs: empty, and gone after it. */
  readonly scratch: string
  /** Where RPM files are kept from run to run. */
  readonly rpms: string
  readonly change: Change
}

export interface Run {
  readonly cost: Cost
  readonly traffic?: Traffic
  /** Absent: nothing is published by it. */
  readonly published?: ReadPublished
  /** Locations that are listed besides those of the change: it had to get warm. */
  readonly also?: readonly string[]
}

/** Between a process and S3, of one change. */
export interface Traffic {
  readonly requests: number
  /** Bytes of bodies. */
  readonly bytesSent: number
  readonly bytesReceived: number
  /** Those of them that were read from packages. */
  readonly packageBytesReceived: number
}
