import type { ETag, PutCondition } from './port.ts'

/** Whether a write under this condition may replace what stands there (`undefined`: nothing). */
export function holds(condition: PutCondition, current: ETag | undefined): boolean {
  switch (condition.if) {
    case 'always':
      return true
    case 'absent':
      return current === undefined
    case 'unchanged':
      return current === condition.etag
  }
}
