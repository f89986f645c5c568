import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { locateHeaders, parsePackage, RpmError } from '../src/index.ts'
import { buildPackage } from '../src/testing/index.ts'

const bytes = buildPackage({ name: 'located', files: [{ path: '/etc/a' }, { path: '/usr/bin/b', content: 'b' }] })
const { headerRange } = parsePackage(bytes)

describe('locateHeaders', () => {
  it.each([
    { given: 0, bytesNeeded: 112 },
    { given: 96, bytesNeeded: 112 },
    { given: 111, bytesNeeded: 112 },
    { given: 112, bytesNeeded: headerRange.start + 16 },
    { given: headerRange.start + 15, bytesNeeded: headerRange.start + 16 },
    { given: headerRange.start + 16, bytesNeeded: headerRange.end },
    { given: headerRange.end - 1, bytesNeeded: headerRange.end },
  ])('wants the first $bytesNeeded bytes when it has $given', ({ given, bytesNeeded }) => {
    expect(locateHeaders(bytes.subarray(0, given))).toEqual({ kind: 'more', bytesNeeded })
  })

  it('is content with the headers and ignores what is behind', () => {
    const { start, end } = headerRange
    const complete = { kind: 'complete', signatureStart: 96, headerStart: start, headerEnd: end }
    expect(locateHeaders(bytes.subarray(0, end))).toEqual(complete)
    expect(locateHeaders(bytes)).toEqual(complete)
  })

  it('leads from any first guess to headers that parse, in four reads', () => {
    fc.assert(
      fc.property(fc.nat({ max: bytes.length }), (guess) => {
        let length = guess
        for (let reads = 1; reads <= 4; reads++) {
          const location = locateHeaders(bytes.subarray(0, length))
          if (location.kind === 'complete') {
            expect(parsePackage(bytes.subarray(0, length)).headerRange).toEqual(headerRange)
            return
          }
          expect(location.bytesNeeded).toBeGreaterThan(length)
          length = location.bytesNeeded
        }
        expect.fail('not located after four reads')
      }),
    )
  })

  it('refuses what is no RPM at the first byte that says so', () => {
    for (let wrong = 0; wrong < 4; wrong++) {
      const copy = bytes.slice(0, wrong + 1)
      copy[wrong] = 0
      expect(() => locateHeaders(copy)).toThrow(RpmError)
    }
    const noHeader = bytes.slice(0, headerRange.start + 1)
    noHeader[headerRange.start] = 0
    expect(() => locateHeaders(noHeader)).toThrow(/no main header at byte/)
  })

  it('takes a main header of 256 MiB less a byte, its counts included, and none larger', () => {
    const claiming = (dataLength: number) => {
      const intro = bytes.slice(0, headerRange.start + 16)
      const view = new DataView(intro.buffer)
      view.setUint32(headerRange.start + 8, 1)
      view.setUint32(headerRange.start + 12, dataLength)
      return intro
    }
    const largest = 256 * 1024 * 1024 - 1 - 8 - 16
    const bytesNeeded = headerRange.start + 16 + 16 + largest
    expect(locateHeaders(claiming(largest))).toEqual({ kind: 'more', bytesNeeded })
    expect(() => locateHeaders(claiming(largest + 1))).toThrow(RpmError)
  })

  it('never asks for more than the limits allow', () => {
    expect(() => locateHeaders(bytes, { headerDataBytesMax: 100 })).toThrow(/the limit is 100/)
  })
})
