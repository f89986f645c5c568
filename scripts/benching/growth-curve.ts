/**
 * Time of a change against the number of packages, both by powers of ten, as an SVG that is light or dark as its reader's screen is.
 */

export interface Curve {
  readonly name: string
  readonly points: readonly { readonly packages: number; readonly seconds: number }[]
}

const size = { width: 780, height: 420 } as const
const plot = { left: 76, right: 496, top: 52, bottom: 360 } as const
/** Readable on either ground; the fourth and later curves begin again. */
const colours = [
  { light: '#0b6e4f', dark: '#4fd1a5' },
  { light: '#1f5fbf', dark: '#7db3ff' },
  { light: '#b3541e', dark: '#ffb27a' },
  { light: '#7a3fa0', dark: '#d3a4f5' },
] as const

/** @throws RangeError where there is no point, or one that has no logarithm */
export function drawGrowth(title: string, curves: readonly Curve[]): string {
  const points = curves.flatMap((curve) => curve.points)
  if (points.length === 0) throw new RangeError('there is nothing to draw')
  if (points.some(({ packages, seconds }) => !(packages > 0 && seconds > 0))) throw new RangeError('not above 0')
  const x = logScale(
    points.map(({ packages }) => packages),
    plot.left,
    plot.right,
  )
  const y = logScale(
    points.map(({ seconds }) => seconds),
    plot.bottom,
    plot.top,
  )
  const parts = [
    `<text class="title" x="${plot.left}" y="28">${escapeText(title)}</text>`,
    ...x.ticks.map((tick) => gridLine(x.at(tick), plot.top, x.at(tick), plot.bottom)),
    ...y.ticks.map((tick) => gridLine(plot.left, y.at(tick), plot.right, y.at(tick))),
    ...x.ticks.map(
      (tick) =>
        `<text x="${round(x.at(tick))}" y="${plot.bottom + 22}" text-anchor="middle">${tick.toLocaleString('en-US')}</text>`,
    ),
    ...y.ticks.map(
      (tick) => `<text x="${plot.left - 10}" y="${round(y.at(tick) + 4)}" text-anchor="end">${timeLabel(tick)}</text>`,
    ),
    `<text x="${(plot.left + plot.right) / 2}" y="${plot.bottom + 46}" text-anchor="middle">packages</text>`,
    ...drawCurves(curves, x, y),
  ]
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" role="img" aria-label="${escapeText(title)}">
<style>
${style()}
</style>
<rect class="ground" width="${size.width}" height="${size.height}" rx="8"/>
${parts.join('\n')}
</svg>
`
}

interface Scale {
  at(value: number): number
  readonly ticks: readonly number[]
}

/** Whole powers of ten around the values, at least one of them. */
function logScale(values: readonly number[], from: number, to: number): Scale {
  const low = Math.floor(Math.log10(Math.min(...values)) + 1e-9)
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values)) - 1e-9))
  return {
    at: (value) => from + ((Math.log10(value) - low) / (high - low)) * (to - from),
    ticks: Array.from({ length: high - low + 1 }, (_, step) => 10 ** (low + step)),
  }
}

function drawCurves(curves: readonly Curve[], x: Scale, y: Scale): string[] {
  const drawn = curves.filter(({ points }) => points.length > 0)
  const ends = drawn.map(({ points }) => y.at(points.toSorted((a, b) => a.packages - b.packages).at(-1)?.seconds ?? 1))
  const labels = spread(ends)
  return drawn.flatMap(({ name, points }, number) => {
    const sorted = points.toSorted((a, b) => a.packages - b.packages)
    const places = sorted.map(({ packages, seconds }) => `${round(x.at(packages))},${round(y.at(seconds))}`)
    const last = sorted.at(-1)
    const colour = `c${number % colours.length}`
    return [
      `<polyline class="curve ${colour}" points="${places.join(' ')}"/>`,
      ...places.map(
        (place) => `<circle class="${colour}" cx="${place.split(',')[0]}" cy="${place.split(',')[1]}" r="3.5"/>`,
      ),
      `<text class="${colour}" x="${plot.right + 12}" y="${round((labels[number] ?? 0) + 4)}">${escapeText(name)}${last === undefined ? '' : `: ${timeLabel(last.seconds)}`}</text>`,
    ]
  })
}

/** Labels of curves that end side by side move apart. */
function spread(heights: readonly number[]): number[] {
  const apart = 18
  const moved: number[] = [...heights]
  let before = Number.NEGATIVE_INFINITY
  for (const [number] of [...heights.entries()].toSorted((a, b) => a[1] - b[1])) {
    before = Math.max(heights[number] ?? 0, before + apart)
    moved[number] = before
  }
  return moved
}

function gridLine(x1: number, y1: number, x2: number, y2: number): string {
  return `<line class="grid" x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}"/>`
}

function style(): string {
  const ofCurves = (scheme: 'light' | 'dark'): string =>
    colours
      .map(
        (colour, number) =>
          `circle.c${number},text.c${number}{fill:${colour[scheme]}} .curve.c${number}{stroke:${colour[scheme]}}`,
      )
      .join('\n')
  return `text{font:13px system-ui,sans-serif;fill:#24292f} .title{font-size:15px;font-weight:600}
.ground{fill:#ffffff} .grid{stroke:#d0d7de} .curve{fill:none;stroke-width:2.5}
${ofCurves('light')}
@media (prefers-color-scheme: dark){
text{fill:#e6edf3} .ground{fill:#0d1117} .grid{stroke:#30363d}
${ofCurves('dark')}
}`
}

function timeLabel(seconds: number): string {
  return seconds < 1 ? `${Number((seconds * 1000).toPrecision(2))} ms` : `${Number(seconds.toPrecision(2))} s`
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
