import { existsSync, readdirSync, readFileSync } from 'node:fs'

/** Packages of many distributions and years, which are no part of this project; tests skip where they are absent. */
const directory = new URL('../../../../shared/corpus/', import.meta.url)

export interface RealPackage {
  readonly file: string
  readonly path: string
  readonly bytes: Uint8Array
}

const files = existsSync(directory) ? readdirSync(directory).filter((file) => file.endsWith('.rpm')) : []

export const hasRealPackages = files.length > 0

export function realPackages(): readonly RealPackage[] {
  return files.map((file) => {
    const url = new URL(file, directory)
    return { file, path: url.pathname, bytes: readFileSync(url) }
  })
}
