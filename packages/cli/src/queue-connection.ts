/**
 * How queues are reached: as stores are, but for the endpoint, which AWS's variables may give for each service.
 */
import type { SqsConnection } from '@repokeeper/worker'
import type { Cli } from './cli.ts'
import type { Connection } from './connection.ts'

/** An endpoint that comes from a variable counts as one that was given: the URLs of its queues may name another host. */
export function queueConnection({ endpointUrl, region, profile }: Connection, { environment }: Cli): SqsConnection {
  const { AWS_ENDPOINT_URL_SQS, AWS_ENDPOINT_URL } = environment
  return {
    endpointUrl: endpointUrl ?? (AWS_ENDPOINT_URL_SQS || AWS_ENDPOINT_URL || undefined),
    region,
    profile,
  }
}
