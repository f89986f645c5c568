/** What a door has to tell. Nothing in it is a secret: neither queries nor headers. */
export type DoorEvent =
  | {
      readonly kind: 'answered'
      readonly method: string
      /** As it was asked for, without its query. */
      readonly path: string
      readonly status: number
      /** Of the body that was sent. */
      readonly bytes: number
      readonly milliseconds: number
      /** The address that it came from. */
      readonly from: string
      /** Who it was, where that is known. */
      readonly user: string | undefined
      /** Why not, where it was refused. */
      readonly reason: string | undefined
    }
  /** It went away before it had its answer, or the answer could not be read to its end. */
  | {
      readonly kind: 'broken off'
      readonly method: string
      readonly path: string
      readonly from: string
      readonly error: unknown
    }
  /** The answer was 5xx, because of this. */
  | { readonly kind: 'fault'; readonly method: string; readonly path: string; readonly error: unknown }
