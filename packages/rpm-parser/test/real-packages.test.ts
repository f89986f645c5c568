import { describe, expect, it } from 'vitest'
import { formatNevra, nevra, parsePackage, RpmError } from '../src/index.ts'
import { hasLibrpm, librpmHeaders } from './librpm.ts'
import { hasRealPackages, realPackages } from './real-packages.ts'
import { asLibrpmShows, comparable } from './same-as-librpm.ts'

describe.skipIf(!hasRealPackages || !hasLibrpm)('real packages', () => {
  const packages = hasRealPackages && hasLibrpm ? realPackages() : []
  const librpm = hasRealPackages && hasLibrpm ? librpmHeaders(packages.map(({ path }) => path)) : []
  const cases = packages.map((pkg, index) => ({ ...pkg, entries: librpm[index] ?? [], refused: !librpm[index] }))
  const readable = cases.filter(({ refused }) => !refused)

  it.each(readable)('has the tags, types, counts and values of $file that librpm has', ({ bytes, entries }) => {
    expect(comparable(asLibrpmShows(parsePackage(bytes).header))).toEqual(comparable(entries))
  })

  it.each(cases.filter(({ refused }) => refused))('refuses $file as librpm does', ({ bytes }) => {
    expect(() => parsePackage(bytes)).toThrow(RpmError)
  })

  it('refuses a package without a signature header, naming the place', () => {
    const broken = packages.find(({ file }) => file === 'broken.rpm')
    expect(() => parsePackage(broken?.bytes ?? new Uint8Array())).toThrow(/no signature header at byte 96/)
  })

  it.each(readable)('names $file by its tags, source packages with architecture src', ({ bytes, entries }) => {
    const { header, isSource } = parsePackage(bytes)
    const text = (wanted: number) => entries.find(([tag]) => tag === wanted)?.[3].join()
    const epoch = text(1003) === undefined ? '' : `${text(1003)}:`
    const arch = text(1106) === undefined ? text(1022) : 'src'
    expect(formatNevra(nevra(header))).toBe(`${text(1000)}-${epoch}${text(1001)}-${text(1002)}.${arch}`)
    expect(isSource).toBe(text(1106) !== undefined)
  })
})
