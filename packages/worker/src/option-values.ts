/**
 * What the value of an option may be: a number, a time, an address. Flags and the environment give texts, a YAML file gives values of its own.
 */
import * as z from 'zod'
import { parseDuration } from './duration.ts'
import { parseAddress } from './network-address.ts'

/** Texts from flags and the environment become numbers; what is no number is left for the schema to name. */
export const number = (schema: z.ZodNumber) =>
  z.preprocess(
    (value) => (typeof value === 'string' && /^\s*-?\d+(\.\d+)?\s*$/.test(value) ? Number(value) : value),
    schema,
  )

/** `90s`, `30m`, `6h`, `1d`, or 0, which YAML gives as a number. */
export const duration = (daysMax: number) =>
  z.preprocess(
    (value) => (typeof value === 'number' ? String(value) : value),
    z
      .string()
      .refine(
        (text) => (parseDuration(text) ?? Number.POSITIVE_INFINITY) <= daysMax * 86_400_000,
        `expected a time such as 90s, 30m, 6h or 1d, ${daysMax}d at most; 0 is none`,
      ),
  )

export const flag = () =>
  z.preprocess((value) => {
    if (typeof value !== 'string') return value
    if (/^(true|yes|on|1)$/i.test(value)) return true
    return /^(false|no|off|0)$/i.test(value) ? false : value
  }, z.boolean('expected true or false'))

/** Texts from the environment are separated by commas. */
export const list = (item: z.ZodType<string>) =>
  z.preprocess(
    (value) =>
      typeof value === 'string'
        ? value
            .split(',')
            .map((part) => part.trim())
            .filter((part) => part !== '')
        : value,
    z.array(item),
  )

const Inbox = z.strictObject({ from: z.string().min(1), to: z.string().min(1) })

/** `inbox/=repo/`, several of them, or, in a YAML file, `{from: inbox/, to: repo/}`. */
export const inboxes = z.preprocess(
  (value) => {
    const asText = (one: unknown): unknown => {
      const read = Inbox.safeParse(one)
      return read.success ? `${read.data.from}=${read.data.to}` : one
    }
    return Array.isArray(value) ? value.map(asText) : typeof value === 'object' ? [asText(value)] : value
  },
  list(
    z.string('expected FROM=TO, such as inbox/=repo/').regex(/^[^=]+=[^=]+$/, 'expected FROM=TO, such as inbox/=repo/'),
  ),
)

/** @param text that `inboxes` has let pass */
export function readInbox(text: string): { readonly from: string; readonly to: string } {
  const [from = '', to = ''] = text.split('=')
  return { from, to }
}

export const httpUrl = z
  .string()
  .refine(
    (text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol),
    'expected an http:// or https:// URL',
  )

export const address = (portMin: 0 | 1, example: string) =>
  z.string().refine((text) => (parseAddress(text)?.port ?? -1) >= portMin, `expected HOST:PORT, such as ${example}`)
