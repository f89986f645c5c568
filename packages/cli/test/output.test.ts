import { PassThrough } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { Output } from '../src/output.ts'
import { startProgress } from '../src/progress.ts'

describe('on a terminal', () => {
  test('a bar is drawn, and what was printed meanwhile appears after it', () => {
    const { output, written } = outputTo({ isTTY: true })
    const progress = startProgress(output, { doing: 'uploading', unit: 'bytes', total: 2000 })
    progress.advance(1000)
    output.print('added foo')
    expect(written.stderr()).toContain('uploading [')
    expect(written.stdout()).toBe('')
    progress.end()
    expect(written.stdout()).toBe('added foo\n')
  })
})

describe('in a log', () => {
  test('a line says how far it is, at most every ten seconds, and nothing steers a terminal', () => {
    const { output, written } = outputTo({ isTTY: false })
    let now = 0
    const progress = startProgress(output, { doing: 'uploading', unit: 'bytes', total: 2000, now: () => now })
    for (now = 0; now <= 25_000; now += 1_000) progress.advance(50)
    progress.end()
    expect(written.stderr()).toBe('uploading: 27 % of 2.0 kB\nuploading: 52 % of 2.0 kB\n')
  })

  test('what was printed appears at once', () => {
    const { output, written } = outputTo({ isTTY: false })
    startProgress(output, { doing: 'reading', unit: 'packages', total: 3 })
    output.print('added foo')
    expect(written.stdout()).toBe('added foo\n')
  })

  test('names cannot steer the terminal that shows it', () => {
    const { output, written } = outputTo({ isTTY: false })
    output.print('added \u001b[31mfoo\u202e\n.rpm')
    expect(written.stdout()).toBe('added \\u001b[31mfoo\\u202e\\u000a.rpm\n')
  })
})

function outputTo({ isTTY }: { isTTY: boolean }) {
  const streams = { stdout: new PassThrough(), stderr: Object.assign(new PassThrough(), { isTTY, columns: 80 }) }
  const output = new Output(streams.stdout, streams.stderr)
  const read = (stream: PassThrough, kept: string[]) => () => {
    kept.push(String(stream.read() ?? ''))
    return kept.join('')
  }
  return { output, written: { stdout: read(streams.stdout, []), stderr: read(streams.stderr, []) } }
}
