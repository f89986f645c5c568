import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AdminDoor } from './admin.ts'
import type { Call, CallLog } from './call-log.ts'
import { type Clock, sleep } from './clock.ts'
import type { Faults, Strikes } from './faults.ts'
import {
  discardResponse,
  MalformedUrl,
  type Request,
  type Response,
  readRequest,
  type Sent,
  sendResponse,
} from './http.ts'
import { type AskedPermission, permissionsOf, recordPermissions } from './permissions.ts'
import { codeOfStatus } from './s3/error.ts'
import type { S3Service } from './s3/s3-service.ts'
import type { Invocation } from './service.ts'
import { SqsService } from './sqs/sqs-service.ts'

export interface DoorParts {
  readonly clock: Clock
  readonly faults: Faults
  readonly calls: CallLog
  readonly s3: S3Service
  readonly sqs: SqsService
  readonly admin: AdminDoor
}

/** What becomes of a call: an answer, or a broken connection. */
type Outcome = { readonly kind: 'answer'; readonly response: Response } | { readonly kind: 'drop' }

/** Where every request comes in: understand it, let the faults strike, run it, answer, write it down. */
export class Door {
  readonly #parts: DoorParts

  constructor(parts: DoorParts) {
    this.#parts = parts
  }

  async answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { admin, s3, sqs } = this.#parts
    const withoutBody = incoming.method === 'HEAD'
    try {
      const request = readRequest(incoming, outgoing)
      if (admin.recognises(request)) {
        await sendResponse(outgoing, await admin.answer(request), { withoutBody })
        return
      }
      const service = SqsService.recognises(request) ? sqs : s3
      await this.#perform(await service.understand(request), request, outgoing)
    } catch (error) {
      if (outgoing.destroyed || outgoing.headersSent) return void outgoing.destroy()
      const status = error instanceof MalformedUrl ? 400 : 500
      const body = `${status === 400 ? 'InvalidURI' : 'local-cloud failed'}: ${error instanceof Error ? error.stack : error}\n`
      await sendResponse(outgoing, { status, headers: { 'content-type': 'text/plain' }, body }, { withoutBody })
    }
  }

  async #perform(invocation: Invocation, request: Request, outgoing: ServerResponse): Promise<void> {
    const { clock, faults, calls } = this.#parts
    const { accessKey, ...named } = invocation.subject
    const at = clock.now()
    const requestId = randomBytes(8).toString('hex').toUpperCase()
    const strikes = faults.strike(invocation.subject)
    let sent: Sent = { status: 0, bytesOut: 0 }
    let errorCode: string | undefined
    const asked: AskedPermission[] = []
    try {
      const outcome = await this.#outcome(invocation, strikes, request, requestId, asked)
      if (outcome.kind === 'drop') {
        outgoing.destroy()
        return
      }
      errorCode = outcome.response.errorCode
      sent = await this.#send(outcome.response, strikes, request, outgoing, requestId)
    } finally {
      const range = request.headers.get('range')
      const call: Omit<Call, 'number'> = {
        at,
        ...named,
        ...(accessKey !== undefined && { accessKey }),
        ...sent,
        ...(errorCode !== undefined && { code: errorCode }),
        bytesIn: request.bytesIn(),
        ...(range !== undefined && { range }),
        permissions: asked,
        faults: strikes.ids,
      }
      calls.add(call)
    }
  }

  async #outcome(
    invocation: Invocation,
    strikes: Strikes,
    request: Request,
    requestId: string,
    asked: AskedPermission[],
  ): Promise<Outcome> {
    const answer = (response: Response): Outcome => ({ kind: 'answer', response })
    const refuse = (status: number, code: string, message = ''): Outcome =>
      answer(invocation.formatError({ status, code, message }, requestId))
    const wait = async (effect: 'before' | 'after') => {
      for (const delay of strikes.all('delay')) {
        if (delay.effect === effect) await sleep(this.#parts.clock, delay.milliseconds, request.signal)
      }
    }
    const drops = strikes.all('drop')
    const errors = strikes.all('error')

    await wait('before')
    if (drops.some(({ at }) => at === 'before')) return { kind: 'drop' }
    const before = errors.find(({ effect }) => effect === 'before')
    if (before) return refuse(before.status, before.code ?? codeOfStatus(before.status), before.message)

    const permissions = recordPermissions(permissionsOf(strikes.all('deny')), asked)
    const denied = invocation.permissions.find((permission) => !permissions.allows(permission))
    if (denied) {
      const isS3 = invocation.subject.service === 's3'
      const message = `${isS3 ? '' : 'User '}is not authorized to perform: ${denied.action} on resource: ${denied.resource}`
      return refuse(403, isS3 ? 'AccessDenied' : 'AccessDeniedException', message)
    }

    const response = await invocation.run({
      requestId,
      permissions,
      ignoreConditions: strikes.all('ignoreConditions').length > 0,
      forgetVisibility: strikes.all('forgetVisibility').length > 0,
    })
    await wait('after')
    const after = errors.find(({ effect }) => effect === 'after')
    if (drops.some(({ at }) => at === 'after')) {
      discardResponse(response)
      return { kind: 'drop' }
    }
    // What failed on its own took no effect: there is nothing to lie about.
    if (after === undefined || response.status >= 300) return answer(response)
    discardResponse(response)
    return refuse(after.status, after.code ?? codeOfStatus(after.status), after.message)
  }

  async #send(
    response: Response,
    strikes: Strikes,
    request: Request,
    outgoing: ServerResponse,
    requestId: string,
  ): Promise<Sent> {
    const cut = strikes.all('drop').find(({ at }) => at === 'body')
    const { body } = response
    const size = typeof body === 'object' && 'size' in body ? body.size : Buffer.byteLength(body ?? '')
    return await sendResponse(
      outgoing,
      { ...response, headers: { 'x-amz-request-id': requestId, 'x-amzn-requestid': requestId, ...response.headers } },
      {
        withoutBody: request.method === 'HEAD',
        ...(cut && { cutAfterBytes: cut.afterBytes ?? Math.floor(size / 2) }),
      },
    )
  }
}
