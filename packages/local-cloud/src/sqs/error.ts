/** Name in the JSON protocol → code in the older query protocol. Source: AWS, the `awsQueryError` codes of the SQS model. */
const queryCodes = {
  AccessDeniedException: 'AccessDenied',
  BatchEntryIdsNotDistinct: 'AWS.SimpleQueueService.BatchEntryIdsNotDistinct',
  BatchRequestTooLong: 'AWS.SimpleQueueService.BatchRequestTooLong',
  EmptyBatchRequest: 'AWS.SimpleQueueService.EmptyBatchRequest',
  InternalFailure: 'InternalFailure',
  InvalidAction: 'InvalidAction',
  InvalidAddress: 'InvalidAddress',
  InvalidAttributeName: 'InvalidAttributeName',
  InvalidAttributeValue: 'InvalidAttributeValue',
  InvalidBatchEntryId: 'AWS.SimpleQueueService.InvalidBatchEntryId',
  InvalidMessageContents: 'InvalidMessageContents',
  InvalidParameterValue: 'InvalidParameterValue',
  MessageNotInflight: 'AWS.SimpleQueueService.MessageNotInflight',
  MissingAuthenticationToken: 'MissingAuthenticationToken',
  MissingParameter: 'MissingParameter',
  OverLimit: 'OverLimit',
  PurgeQueueInProgress: 'AWS.SimpleQueueService.PurgeQueueInProgress',
  QueueDoesNotExist: 'AWS.SimpleQueueService.NonExistentQueue',
  QueueNameExists: 'QueueAlreadyExists',
  ReceiptHandleIsInvalid: 'ReceiptHandleIsInvalid',
  ResourceNotFoundException: 'ResourceNotFoundException',
  SerializationException: 'SerializationException',
  TooManyEntriesInBatchRequest: 'AWS.SimpleQueueService.TooManyEntriesInBatchRequest',
  UnsupportedOperation: 'AWS.SimpleQueueService.UnsupportedOperation',
} as const

export type SqsErrorCode = keyof typeof queryCodes

/** An answer that is an error. */
export class SqsError extends Error {
  override readonly name = 'SqsError'
  readonly code: SqsErrorCode

  constructor(code: SqsErrorCode, message: string) {
    super(message)
    this.code = code
  }

  get status(): number {
    if (this.code === 'AccessDeniedException' || this.code === 'MissingAuthenticationToken') return 403
    return this.code === 'InternalFailure' ? 500 : 400
  }
}

/** The code of the query protocol, which the JSON protocol carries too, in a header. A code of a fault rule stays as it is. */
export function queryCodeOf(code: string): string {
  return Object.entries(queryCodes).find(([name]) => name === code)?.[1] ?? code
}
