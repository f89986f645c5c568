import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import * as z from 'zod'
import { missingClients } from '../../fixtures/clients.ts'

const run = promisify(execFile)
const main = join(import.meta.dirname, 'main.ts')
const patience = 300_000
let directory = ''

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'repokeeper-bench-test-'))
})

afterAll(() => rm(directory, { recursive: true, force: true }))

const Figures = z.object({
  results: z.array(
    z.object({
      contestant: z.string(),
      changes: z.number(),
      runs: z
        .array(z.object({ seconds: z.number(), traffic: z.object({ requests: z.number() }).optional() }))
        .length(1),
    }),
  ),
})

it('measures every contestant at every change, checks what each of them publishes, and draws the curve', {
  timeout: patience,
}, async () => {
  const [json, svg, cache] = ['figures.json', 'curve.svg', 'cache'].map((name) => join(directory, name))
  const args = ['--packages', '200', '--changes', '1,10', '--rounds', '1']
  const { stdout } = await run(process.execPath, [main, ...args, `--json=${json}`, `--svg=${svg}`, `--cache=${cache}`])

  const { results } = Figures.parse(JSON.parse(await readFile(json ?? '', 'utf8')))
  const ours = ['ours, warm', 'ours, cold', 'ours, cold, cache filled', 'ours, take-over', 'ours, warm, over HTTP']
  const theirs = ['createrepo_c --update', 'createrepo_c --update --no-database']
  const wanted = [
    ...ours,
    'reading, hashing, writing',
    ...(missingClients(['createrepo_c']).length === 0 ? theirs : []),
  ]
  for (const changes of [1, 10]) {
    const measured = results.filter((result) => result.changes === changes)
    expect(measured.map(({ contestant }) => contestant)).toEqual(wanted)
    for (const { contestant, runs } of measured) {
      expect(runs[0]?.seconds).toBeGreaterThan(0)
      expect(stdout).toContain(contestant)
      if (contestant.endsWith('HTTP')) expect(runs[0]?.traffic?.requests).toBeGreaterThan(3)
    }
  }
  expect(await readFile(svg ?? '', 'utf8')).toContain('</svg>')
})

it('says what is wrong with what it was asked', async () => {
  await expect(run(process.execPath, [main, '--rounds', 'many'])).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--rounds many: numbers from 1 to 1000'),
  })
})
