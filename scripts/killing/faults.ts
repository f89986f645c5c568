import type { FaultRule } from '@repokeeper/local-cloud'

/** What S3, SQS and the network do to workers on bad days, all of it at once. Clients and the load are spared. */
export const badDays: readonly FaultRule[] = [
  // S3 that is busy, slow, torn in the middle, or did what was asked and could not say so
  { ...s3(), probability: 0.03, action: { kind: 'error', status: 503, code: 'SlowDown' } },
  { ...s3(), probability: 0.05, action: { kind: 'delay', milliseconds: 150 } },
  { ...s3('GetObject'), probability: 0.03, action: { kind: 'drop', at: 'body' } },
  { ...s3('PutObject'), probability: 0.02, action: { kind: 'drop', at: 'before' } },
  { ...s3('PutObject'), probability: 0.04, action: { kind: 'drop', at: 'after' } },
  { ...s3('PutObject'), probability: 0.02, action: { kind: 'error', status: 500, effect: 'after' } },
  { ...s3('PutObject'), probability: 0.02, action: { kind: 'error', status: 409, code: 'ConditionalRequestConflict' } },
  { ...s3('DeleteObject'), probability: 0.05, action: { kind: 'error', status: 503, effect: 'after' } },
  // SQS that loses an answer: of a receive the messages are hidden then, of a deletion they are gone
  { ...sqs('ReceiveMessage'), probability: 0.02, action: { kind: 'drop', at: 'after' } },
  { ...sqs('ReceiveMessage'), probability: 0.05, action: { kind: 'forgetVisibility' } },
  { ...sqs('DeleteMessageBatch'), probability: 0.05, action: { kind: 'drop', at: 'after' } },
  { ...sqs('DeleteMessageBatch'), probability: 0.05, action: { kind: 'error', status: 503 } },
  { ...sqs('ChangeMessageVisibilityBatch'), probability: 0.1, action: { kind: 'error', status: 503 } },
  // Standard queues: more than once, in any order, late
  { operation: 'Deliver', probability: 0.2, action: { kind: 'duplicate' } },
  { operation: 'Deliver', probability: 0.5, action: { kind: 'reorder', order: 'shuffle' } },
  { operation: 'Deliver', probability: 0.1, action: { kind: 'hold', milliseconds: 2_000 } },
]

type Where = Omit<FaultRule, 'action'>

function s3(operation?: string): Where {
  return { service: 's3', accessKey: 'worker-*', ...(operation !== undefined && { operation }) }
}

function sqs(operation: string): Where {
  return { service: 'sqs', accessKey: 'worker-*', operation }
}
