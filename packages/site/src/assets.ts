import { readFileSync } from 'node:fs'
import { look } from './look.ts'

/** The one stylesheet of a site, and its one script. */
export const styleAsset = Buffer.concat([Buffer.from(look), readFileSync(new URL('assets/site.css', import.meta.url))])
export const scriptAsset = readFileSync(new URL('assets/site.js', import.meta.url))
