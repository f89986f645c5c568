import type { Response } from '../http.ts'
import { formatXml, type XmlNode } from '../xml.ts'

export function xmlResponse(root: XmlNode, headers: Readonly<Record<string, string>> = {}): Response {
  return {
    status: 200,
    headers: { 'content-type': 'application/xml', ...headers },
    body: formatXml(root, 'http://s3.amazonaws.com/doc/2006-03-01/'),
  }
}

/** Dates in S3's documents; whole seconds, as Last-Modified has them. */
export function formatIsoDate(milliseconds: number): string {
  return new Date(Math.floor(milliseconds / 1000) * 1000).toISOString()
}
