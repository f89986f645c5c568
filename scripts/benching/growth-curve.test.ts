import fc from 'fast-check'
import { SaxesParser } from 'saxes'
import { expect, it } from 'vitest'
import { drawGrowth } from './growth-curve.ts'

const point = fc.record({
  packages: fc.integer({ min: 1, max: 1_000_000 }),
  seconds: fc.double({ min: 0.000_1, max: 10_000, noNaN: true }),
})
const curves = fc.array(fc.record({ name: fc.string(), points: fc.array(point, { minLength: 1, maxLength: 6 }) }), {
  minLength: 1,
  maxLength: 6,
})

it('is well-formed, has every point, and none outside of the plot', () => {
  fc.assert(
    fc.property(curves, (drawn) => {
      const circles = circlesOf(drawGrowth('one <change> & "more"', drawn))
      expect(circles).toHaveLength(drawn.flatMap(({ points }) => points).length)
      for (const { x, y } of circles) {
        expect(x).toBeGreaterThanOrEqual(76)
        expect(x).toBeLessThanOrEqual(496)
        expect(y).toBeGreaterThanOrEqual(52)
        expect(y).toBeLessThanOrEqual(360)
      }
    }),
  )
})

it('is higher where more time is taken, by the same height for the same factor', () => {
  const points = [0.1, 1, 10].map((seconds, at) => ({ packages: 10 ** (at + 1), seconds }))
  const [low, middle, high] = circlesOf(drawGrowth('time', [{ name: 'it', points }]))
  expect([low, middle, high].map((circle) => circle?.y)).toEqual([360, 206, 52])
  expect([low, middle, high].map((circle) => circle?.x)).toEqual([76, 286, 496])
})

it.each([[[]], [[{ name: 'it', points: [{ packages: 0, seconds: 1 }] }]]])('draws no %j', (nothing) => {
  expect(() => drawGrowth('time', nothing)).toThrow(RangeError)
})

function circlesOf(svg: string): { x: number; y: number }[] {
  const circles: { x: number; y: number }[] = []
  const parser = new SaxesParser()
  parser.on('opentag', ({ name, attributes }) => {
    if (name === 'circle') circles.push({ x: Number(attributes.cx), y: Number(attributes.cy) })
  })
  parser.on('error', (error) => {
    throw error
  })
  parser.write(svg).close()
  return circles
}
