import * as z from 'zod'

/** Which repository a warm process keeps, and where its cache is. */
export const Order = z.object({
  cache: z.string(),
  root: z.string(),
  store: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('directory'), path: z.string() }),
    z.object({ kind: z.literal('s3'), bucket: z.string(), endpoint: z.string(), accessKeyId: z.string() }),
  ]),
})
export type Order = z.infer<typeof Order>

/** What it is told: keys that have changed, as the store names them. */
export const Keys = z.array(z.string())

/** What it says to that. */
export const Answer = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('done'), seconds: z.number() }),
  z.object({ kind: z.literal('failed'), message: z.string() }),
])
export type Answer = z.infer<typeof Answer>
