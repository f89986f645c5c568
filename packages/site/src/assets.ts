import { readFileSync } from 'node:fs'
import { look } from './look.ts'
import { scriptMark, styleMark } from './marks.ts'

/** The one stylesheet of a site, and its one script. */
export const styleAsset = Buffer.concat([Buffer.from(styleMark + look), read('site.css')])
export const scriptAsset = Buffer.concat([Buffer.from(scriptMark), read('site.js')])

function read(name: string): Buffer {
  return readFileSync(new URL(`assets/${name}`, import.meta.url))
}
