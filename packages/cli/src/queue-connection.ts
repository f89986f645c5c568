/**
 * How queues are reached: as stores are, but for the endpoint, which AWS's variables may give for each service.
 */
import { findEndpoint } from '@repokeeper/object-store/endpoint'
import type { SqsConnection } from '@repokeeper/worker'
import type { Cli } from './cli.ts'
import { type Connection, requireEndpoint } from './connection.ts'

/** An endpoint that comes from a variable counts as one that was given: the URLs of its queues may name another host. */
export function queueConnection({ endpointUrl, region, profile }: Connection, { environment }: Cli): SqsConnection {
  const endpoint = findEndpoint('SQS', endpointUrl, environment)
  requireEndpoint(endpoint)
  return { endpointUrl: endpoint?.url, region, profile }
}
