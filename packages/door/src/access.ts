/**
 * Who may do what.
 */
import type { IncomingHttpHeaders } from 'node:http'

export type Verb = 'read' | 'write' | 'delete'

export interface Asked {
  readonly verb: Verb
  /** The path below the door's top, without a slash at its begin. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** The address that it comes from. */
  readonly from: string
}

export type Admission =
  | { readonly kind: 'granted'; readonly user: string | undefined }
  /** Nobody may without saying who it is, or what was said is not right. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'refused'; readonly user: string | undefined }
  | { readonly kind: 'too often'; readonly retryAfterSeconds: number }

export interface Access {
  admit(asked: Asked): Promise<Admission>
}

/** Everybody may read; and write, where a person has said so. */
export function openAccess({ writes }: { readonly writes: boolean }): Access {
  return {
    admit: async ({ verb }) => ({ kind: verb === 'read' || writes ? 'granted' : 'refused', user: undefined }),
  }
}
