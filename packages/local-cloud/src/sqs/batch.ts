import { queryCodeOf, SqsError } from './error.ts'
import type { Result } from './operations.ts'

/** Source: AWS, SendMessageBatch and its siblings. */
const entriesMax = 10

/**
 * Does each entry on its own: what fails for one is its own result.
 * @throws SqsError for the batch as a whole: empty, too many, ids that are none or not distinct
 */
export function batch<E extends { readonly Id: string }>(entries: readonly E[], run: (entry: E) => Result): Result {
  if (entries.length === 0)
    throw new SqsError('EmptyBatchRequest', 'There should be at least one entry in the request.')
  if (entries.length > entriesMax) {
    throw new SqsError(
      'TooManyEntriesInBatchRequest',
      `Maximum number of entries per request are ${entriesMax}. You have sent ${entries.length}.`,
    )
  }
  const ids = new Set<string>()
  for (const { Id } of entries) {
    if (!/^[\w-]{1,80}$/.test(Id)) {
      throw new SqsError(
        'InvalidBatchEntryId',
        'A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.',
      )
    }
    if (ids.has(Id)) throw new SqsError('BatchEntryIdsNotDistinct', `Id ${Id} repeated.`)
    ids.add(Id)
  }
  const successful: Result[] = []
  const failed: Result[] = []
  for (const entry of entries) {
    try {
      successful.push({ Id: entry.Id, ...run(entry) })
    } catch (error) {
      if (!(error instanceof SqsError)) throw error
      failed.push({ Id: entry.Id, SenderFault: true, Code: queryCodeOf(error.code), Message: error.message })
    }
  }
  return { Successful: successful, ...(failed.length > 0 && { Failed: failed }) }
}
