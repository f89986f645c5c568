import { percentDecode } from '../http.ts'

/** What a URL names; neither: the service itself. */
export interface Address {
  readonly bucket?: string
  readonly key?: string
}

export interface AddressingOptions {
  /** Host names that are the service itself; `BUCKET.` before one of them is the virtual-host style. */
  readonly hosts: readonly string[]
  /** S3 takes a bare `+` in a path for a space. */
  readonly plusIsSpace: boolean
}

/**
 * Source: AWS, "Virtual hosting of general purpose buckets". A host that is none of ours, or an IP address, means path style.
 * @param host the Host header, with or without a port
 * @param rawPath percent-encoded, starts with `/`
 * @throws MalformedUrl
 */
export function parseAddress(host: string, rawPath: string, { hosts, plusIsSpace }: AddressingOptions): Address {
  const decode = (text: string) => percentDecode(text, { plusIsSpace })
  const bucketOfHost = virtualBucket(host.toLowerCase().replace(/:\d+$/, ''), hosts)
  const path = rawPath.slice(1)
  if (bucketOfHost !== undefined)
    return path === '' ? { bucket: bucketOfHost } : { bucket: bucketOfHost, key: decode(path) }
  if (path === '') return {}
  const slash = path.indexOf('/')
  if (slash < 0) return { bucket: decode(path) }
  const key = decode(path.slice(slash + 1))
  return { bucket: decode(path.slice(0, slash)), ...(key !== '' && { key }) }
}

/**
 * `BUCKET/KEY` of the header x-amz-copy-source, percent-encoded, with or without a slash in front.
 * @returns undefined for what is none, such as an access point's ARN
 * @throws MalformedUrl
 */
export function parseCopySource(
  header: string,
  options: { readonly plusIsSpace: boolean },
): { bucket: string; key: string; versionId?: string } | undefined {
  const question = header.indexOf('?versionId=')
  const path = (question < 0 ? header : header.slice(0, question)).replace(/^\//, '')
  const decoded = percentDecode(path, options)
  const slash = decoded.indexOf('/')
  if (slash <= 0 || slash === decoded.length - 1 || decoded.startsWith('arn:')) return undefined
  const source = { bucket: decoded.slice(0, slash), key: decoded.slice(slash + 1) }
  return question < 0 ? source : { ...source, versionId: header.slice(question + '?versionId='.length) }
}

/** Source: AWS, "General purpose bucket naming rules". */
export function isBucketName(name: string): boolean {
  return /^(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9]$/.test(name)
}

function virtualBucket(host: string, hosts: readonly string[]): string | undefined {
  // The longest first: `s3.localhost` is the service and no bucket named s3 at `localhost`.
  const known = [...hosts].sort((a, b) => b.length - a.length)
  for (const base of known) {
    if (host === base) return undefined
    if (host.endsWith(`.${base}`)) return host.slice(0, -base.length - 1)
  }
  return undefined
}
