import * as z from 'zod'

/** Where a message goes that was received so often in vain. */
export interface RedrivePolicy {
  readonly deadLetterTargetArn: string
  readonly maxReceiveCount: number
}

/** With fewer a short outage moves good messages to the dead-letter queue. */
export const receiveCountMin = 3

/** `undefined` where the text is none. Servers write the count as a number or as text. */
export function parseRedrivePolicy(text: string): RedrivePolicy | undefined {
  const parsed = Policy.safeParse(text)
  return parsed.success ? parsed.data : undefined
}

const Policy = z
  .string()
  .transform((text, context) => {
    try {
      return JSON.parse(text)
    } catch {
      context.addIssue('not JSON')
      return z.NEVER
    }
  })
  .pipe(z.object({ deadLetterTargetArn: z.string().min(1), maxReceiveCount: z.coerce.number().int().min(1) }))
