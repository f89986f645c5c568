import type { Response } from '../http.ts'
import type { Result } from './operations.ts'

/** How answers are written: JSON, or the XML of the older query protocol. */
export interface Protocol {
  formatResult(operation: string, result: Result, requestId: string): Response
  formatError(error: { status: number; code: string; message: string }, requestId: string): Response
}
