import { StoreError } from './port.ts'

/** S3's own limit, in bytes of UTF-8 (AWS: "Naming Amazon S3 objects"). */
export const keyBytesMax = 1024

/**
 * Why no store of ours can hold this key, in words that complete "the key …"; `undefined` where it can.
 *
 * S3 itself would take `..` and a leading `/`, but proxies and clients fold such paths on the way, so that one object
 * gets read and another one written: nobody can rely on them, and a directory must not.
 */
export function keyProblem(key: string): string | undefined {
  if (key === '') return 'is empty'
  if (key.startsWith('/')) return 'starts with a slash'
  if (key.includes('\0')) return 'contains a NUL character'
  if (!key.isWellFormed()) return 'is not valid Unicode (a lone surrogate)'
  if (key.length > keyBytesMax || Buffer.byteLength(key) > keyBytesMax) return `is longer than ${keyBytesMax} bytes`
  for (const segment of key.split('/')) {
    if (segment === '.' || segment === '..') return `has a segment "${segment}"`
  }
  return undefined
}

/** @throws StoreError `BAD_KEY` where `keyProblem`, or another `problem` of that store's own, stands against the key. */
export function checkKey(key: string, store: string, problem: string | undefined = keyProblem(key)): void {
  if (problem === undefined) return
  throw new StoreError('BAD_KEY', `${store}: the key ${JSON.stringify(key)} ${problem}`, { store, key })
}

/**
 * Byte order of the keys' UTF-8, which is S3's order of listing. JavaScript's `<` compares UTF-16 units and puts
 * U+10000 and above (surrogates, D800–DFFF) before U+E000–U+FFFF.
 *
 * @returns below zero where `a` comes first, zero where they are equal, else above zero.
 */
export function compareKeys(a: string, b: string): number {
  const shared = Math.min(a.length, b.length)
  for (let index = 0; index < shared; index++) {
    const left = a.charCodeAt(index)
    const right = b.charCodeAt(index)
    if (left !== right) return byteRank(left) - byteRank(right)
  }
  return a.length - b.length
}

/** Lifts surrogates over the rest of the basic plane, where their UTF-8 (F0 and up) sorts. */
function byteRank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
}
