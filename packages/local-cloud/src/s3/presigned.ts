import type { Request } from '../http.ts'
import { S3Error } from './error.ts'

/**
 * A presigned URL is good for X-Amz-Expires seconds from X-Amz-Date on.
 * Source: AWS, "Authenticating requests: using query parameters".
 * @throws S3Error AccessDenied
 */
export function assertNotExpired(request: Request, now: number): void {
  const date = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(request.query.get('X-Amz-Date') ?? '')
  const seconds = request.query.get('X-Amz-Expires')
  if (date === null || seconds === undefined) return
  const [year = 0, month = 1, day = 0, hour = 0, minute = 0, second = 0] = date.slice(1).map(Number)
  const expires = Date.UTC(year, month - 1, day, hour, minute, second) + Number(seconds) * 1000
  if (now < expires) return
  throw new S3Error('AccessDenied', 'Request has expired', [
    ['X-Amz-Expires', seconds],
    ['Expires', new Date(expires).toISOString()],
    ['ServerTime', new Date(now).toISOString()],
  ])
}
