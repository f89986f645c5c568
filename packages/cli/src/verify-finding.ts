/** What `verify` says of one thing that it looked at. */
export interface VerifyFinding {
  readonly verdict:
    | 'ok'
    | 'wrong'
    | /** It could not be said: no key was given, or nothing here reads it. */ 'unchecked'
  /** `repomd.xml`, `signature`, the type of a record, or `package`. */
  readonly what: string
  /** Below the root of the repository. */
  readonly path: string
  readonly message: string
}

export type OnVerified = (finding: VerifyFinding) => void
