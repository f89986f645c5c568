/** What a watched process is told to do, and what it tells. */

export interface Order {
  /** The module with the `targets`. */
  readonly table: string
  readonly target: string
  readonly cases: number
  readonly seed: number
  /** One case alone, as a failure named it. */
  readonly path?: string
  /** Only make the case at this path. */
  readonly show?: string
  /** A file that holds two numbers: the case that is read, and how many were begun, smaller forms of a failure included. */
  readonly progress: string
}

export interface Counts {
  readonly cases: number
  /** Cases that were read to their end, and those that were refused, by code. */
  readonly read: number
  readonly refused: Readonly<Record<string, number>>
  readonly slowest: { readonly ms: number; readonly index: number }
  /** Of the whole process, its code and the real inputs included. */
  readonly peakBytes: number
}

export interface ShownCase {
  readonly base64: string
  readonly pieceBytes: number
  readonly document?: string
}

export type Report =
  | ({ readonly kind: 'held' } & Counts)
  | ({ readonly kind: 'broken'; readonly path: string; readonly reason: string } & Counts & ShownCase)
  | ({ readonly kind: 'shown' } & ShownCase)

/** The most memory that this process ever had. */
export function peakBytes(): number {
  return process.resourceUsage().maxRSS * 1024
}
