import { readFileSync } from 'node:fs'

/** Colours, type and measures that every page of ours has, as CSS: the site's, and the worker's own. */
export const look = readFileSync(new URL('assets/look.css', import.meta.url), 'utf8')
