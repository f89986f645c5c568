import { accessKeyOf } from '../credentials.ts'
import { BodyTooLarge, MalformedUrl, type Request, type Response } from '../http.ts'
import type { Circumstances, Invocation, Service } from '../service.ts'
import { type Address, type AddressingOptions, parseAddress, parseCopySource } from './addressing.ts'
import { assertVersion } from './delete-objects.ts'
import { formatS3Error, S3Error } from './error.ts'
import { assertNotExpired } from './presigned.ts'
import { permissionsFor, route, type S3Operation } from './routing.ts'
import { headerOf, S3Call } from './s3-call.ts'
import type { Store } from './store.ts'

export class S3Service implements Service {
  readonly #store: Store
  readonly #addressing: AddressingOptions

  constructor(store: Store, addressing: AddressingOptions) {
    this.#store = store
    this.#addressing = addressing
  }

  async understand(request: Request): Promise<Invocation> {
    const accessKey = accessKeyOf(request)
    try {
      const address = parseAddress(request.headers.get('host') ?? '', request.rawPath, this.#addressing)
      const operation = route(request, address)
      const named = { ...address, ...(accessKey !== undefined && { accessKey }) }
      if ('missing' in operation) {
        const error = new S3Error('NotImplemented', `local-cloud does not know ${operation.missing}.`)
        return invocation({ service: 's3', operation: 'Unknown', ...named }, [], () => Promise.reject(error))
      }
      const source = copySourceOf(request, this.#addressing.plusIsSpace)
      return invocation(
        { service: 's3', operation: operation.name, ...named },
        permissionsFor(operation, address, request, source),
        (circumstances) => this.#run(request, address, operation, circumstances, accessKey),
      )
    } catch (error) {
      return invocation({ service: 's3', operation: 'Unknown' }, [], () => Promise.reject(error))
    }
  }

  #run(
    request: Request,
    address: Address,
    operation: S3Operation,
    circumstances: Circumstances,
    accessKey: string | undefined,
  ): Promise<Response> {
    // Everybody may read: that is what a dnf without credentials does. Who writes says who it is.
    if (accessKey === undefined && request.method !== 'GET' && request.method !== 'HEAD') {
      throw new S3Error('AccessDenied', 'An anonymous caller may only read; any credentials will do.')
    }
    assertNotExpired(request, this.#store.clock.now())
    assertVersion(request.query.get('versionId'))
    return operation.run(new S3Call(request, address, this.#store, circumstances, this.#addressing.plusIsSpace))
  }
}

function invocation(
  subject: Invocation['subject'],
  permissions: Invocation['permissions'],
  run: (circumstances: Circumstances) => Promise<Response>,
): Invocation {
  return {
    subject,
    permissions,
    async run(circumstances) {
      try {
        return await run(circumstances)
      } catch (cause) {
        return formatS3Error(asS3Error(cause), circumstances.requestId)
      }
    },
    formatError: formatS3Error,
  }
}

/** @throws the cause, where it is a fault of local-cloud's own. */
function asS3Error(cause: unknown): S3Error {
  if (cause instanceof S3Error) return cause
  if (cause instanceof MalformedUrl) return new S3Error('InvalidURI')
  if (cause instanceof BodyTooLarge) return new S3Error('MalformedXML')
  throw cause
}

function copySourceOf(request: Request, plusIsSpace: boolean) {
  const header = headerOf(request, 'x-amz-copy-source')
  return header === undefined ? undefined : parseCopySource(header, { plusIsSpace })
}
