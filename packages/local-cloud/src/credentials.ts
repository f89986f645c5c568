import type { Request } from './http.ts'

/**
 * Who calls, by the access key id that the request names; its signature is not verified. `undefined`: nobody in particular.
 */
export function accessKeyOf(request: Request): string | undefined {
  const authorization = request.headers.get('authorization')
  if (authorization === undefined)
    return request.query.get('X-Amz-Credential')?.split('/')[0] ?? request.query.get('AWSAccessKeyId')
  const signed = /Credential=([^/,\s]+)/.exec(authorization)?.[1]
  if (signed !== undefined) return signed
  const basic = /^Basic\s+(\S+)$/i.exec(authorization)?.[1]
  return basic === undefined ? 'unknown' : Buffer.from(basic, 'base64').toString().split(':')[0]
}
