/**
 * Where requests go, other than to Amazon: who said it, and whether it can be meant. One rule for S3 and SQS, as for regions.
 */

export type EndpointService = 'S3' | 'SQS'

export interface Endpoint {
  readonly url: string
  /** The variable or option that said it. */
  readonly from: string
}

type Environment = Readonly<Record<string, string | undefined>>

const option = '--endpoint-url'
/** For people: what to do where requests go to Amazon and should not. */
export const setEndpoint = `for a server other than Amazon's say ${option}, or set AWS_ENDPOINT_URL: nothing says one`

/**
 * @param said an option of whoever calls
 * @returns `undefined` where neither an option nor a variable says one; a profile may all the same
 */
export function findEndpoint(
  service: EndpointService,
  said: string | undefined,
  environment: Environment,
): Endpoint | undefined {
  // AWS, "Service-specific endpoints": the variable of a service goes before that of all.
  const variables = [`AWS_ENDPOINT_URL_${service}`, 'AWS_ENDPOINT_URL']
  if (said !== undefined) {
    const from = ['REPOKEEPER_ENDPOINT_URL', ...variables].find((name) => environment[name] === said)
    return { url: said, from: from ?? option }
  }
  const from = variables.find((name) => environment[name])
  return from === undefined ? undefined : { url: environment[from] ?? '', from }
}

/** What is wrong with it, which was given, and what to write; `undefined` where it can be meant. It may have a password in it. */
export function endpointProblem({ url, from }: Endpoint): string | undefined {
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return undefined
  const shown = url.replace(/^(\w+:\/\/)?.*@/s, '$1')
  const meant = `http://${shown}`
  const write =
    !shown.includes('://') && URL.canParse(meant) ? `${meant} or https://${shown}` : 'http://HOST:PORT or https://HOST'
  return `${from} is ${JSON.stringify(shown)}, which is no http:// or https:// URL: write ${write}`
}
