/**
 * What happens in a run: who works, what people do to the bucket, and in which order everything gets its turn.
 */

export interface Scenario {
  readonly addWorkers: number
  readonly removeWorkers: number
  /** Whether the store can say the digest of an object. */
  readonly storeKnowsSha256: boolean
  /** Whether repomd.xml is signed. */
  readonly signed: boolean
  /** Whether each generation is published below a path of its own. */
  readonly generations: boolean
  /** Whether packages have to be signed: those of packages.ts that are not are refused. */
  readonly trusts?: 'signed'
  /** A directory whose packages move into the repository; whether the bucket tells of what workers copy and delete, too. */
  readonly inbox?: { readonly replaces: boolean; readonly tellsOfWorkers: boolean }
  /** How long what is superseded stays. Milliseconds; default: so short that anything may take longer. */
  readonly retentionMs?: number
  /** How far the clock of each process is off. Milliseconds. */
  readonly clockOffsetsMs: readonly number[]
  /** What was done, in all calm, before anything that is to be seen begins. */
  readonly history?: readonly Deed[]
  readonly deeds: readonly Deed[]
  readonly mishaps: Mishaps
  readonly ambush: Ambush | undefined
  /** One number for each turn; when they are used up everything goes on as it comes, without faults. */
  readonly turns: readonly number[]
}

/** What may go wrong at all in a run: some bugs show only where most things go right. */
export interface Mishaps {
  readonly faults: boolean
  readonly kills: boolean
  readonly duplicates: boolean
  /** Time passes while calls are under way: slow workers, messages that come back. */
  readonly delays: boolean
  /** One of the processes gets no turn for a while, and all others do. */
  readonly freezes: boolean
}

/** One process is caught at one of its calls, gets no turn for a while, and goes on or dies there. */
export interface Ambush {
  /** How the label of the call begins. */
  readonly at: string
  /** Before the request is carried out, or before its answer arrives. */
  readonly step: 'request' | 'answer'
  /** So many such calls are let through. */
  readonly after: number
  readonly turns: number
  readonly end: AmbushEnd
}

export type AmbushEnd = 'go' | 'go, but fail to look' | 'die' | 'die, but the request arrives'

/** What people and programs beside the workers do. */
export type Deed =
  | { readonly kind: 'upload'; readonly path: string; readonly content: number; readonly into?: 'inbox' }
  | { readonly kind: 'delete'; readonly path: string; readonly into?: 'inbox' }
  | Task

/** What takes several calls, and goes on beside all else. */
export type Task =
  /** After so much time in which nobody got an answer. Milliseconds. */
  | { readonly kind: 'clean up' | 'look again'; readonly afterMs: number }
  /** To so many generations before what is published, or the oldest. */
  | { readonly kind: 'roll back'; readonly back: number }
  | { readonly kind: 'resume' }
  | { readonly kind: 'take snapshot'; readonly name: string; readonly back: number }
  | { readonly kind: 'drop snapshot'; readonly name: string }
