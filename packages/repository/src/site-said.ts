/**
 * What a person says of a site. Where it is said and where it is read again the same holds, so nothing is kept that could not be read.
 */
import * as z from 'zod'

export type SaidOfSite = Readonly<z.infer<typeof saidOfSite>>

/** Whether dnf and zypper could fetch from it. It is kept as it was written: variables such as $basearch may stand in it. */
export function isClientUrl(text: string): boolean {
  return text.length <= 2_000 && URL.canParse(text) && /^(?:https?|ftp|file):\/\/\S+$/i.test(text)
}

export function isTitle(text: string): boolean {
  return text.trim() !== '' && text.length <= 200
}

export const saidOfSite = z.object({
  /** What the repository is called. */
  title: z.string().refine(isTitle).optional(),
  /** Where clients find it. */
  baseUrl: z.string().refine(isClientUrl).optional(),
  /** The public key that packages are signed with. */
  gpgKey: z.string().refine(isClientUrl).optional(),
})
