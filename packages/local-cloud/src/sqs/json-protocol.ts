import type { Response } from '../http.ts'
import { queryCodeOf } from './error.ts'
import type { Result } from './operations.ts'
import type { Protocol } from './protocol.ts'

/** AWS JSON 1.0, with the header that tells clients the query protocol's error code. */
export const jsonProtocol: Protocol = {
  formatResult: (_operation: string, result: Result): Response => ({
    status: 200,
    headers: { 'content-type': 'application/x-amz-json-1.0' },
    body: JSON.stringify(result),
  }),
  formatError: ({ status, code, message }) => ({
    status,
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amzn-query-error': `${queryCodeOf(code)};${status < 500 ? 'Sender' : 'Receiver'}`,
    },
    body: JSON.stringify({ __type: `com.amazonaws.sqs#${code}`, message }),
    errorCode: code,
  }),
}
