import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { checkout } from '../../fixtures/cloud-process.ts'
import { generatedPages } from './generated-pages.ts'

describe('the documents', () => {
  it('that are made from the programs say what the programs say', async () => {
    for (const { path, text } of await generatedPages()) {
      const there = await readFile(join(checkout, path), 'utf8')
      expect(there === text, `${path} is out of date: scripts/docs writes it anew`).toBe(true)
    }
  })

  it.each([['worker'], ['promote'], ['dead-letters', 'list']])(
    'show of %j what the program itself prints',
    async (...command) => {
      const program = join(checkout, 'packages', 'cli', 'bin', 'repokeeper.js')
      const { stdout } = await promisify(execFile)(process.execPath, [program, ...command, '--help'])
      const page = await readFile(join(checkout, 'docs', 'commands.md'), 'utf8')
      const [, section = ''] = page.split(`\n## repokeeper ${command.join(' ')}\n`)
      const [, shown = ''] = section.split('```')
      // A terminal is as wide as it is.
      expect(words(shown)).toEqual(words(stdout))
    },
  )

  it('lead to places that are there', async () => {
    const broken: string[] = []
    for (const page of await pages()) {
      const text = await readFile(join(checkout, page), 'utf8')
      for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)|<img [^>]*src="([^"]+)"/g)) {
        const [path = '', anchor] = target.split('#')
        if (/^[a-z]+:/.test(target)) continue
        const file = path === '' ? join(checkout, page) : join(checkout, dirname(page), path)
        if (!existsSync(file)) broken.push(`${page}: ${target}`)
        else if (anchor !== undefined && !(await anchorsOf(file)).has(anchor)) broken.push(`${page}: ${target}`)
      }
    }
    expect(broken).toEqual([])
  })
})

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '')
}

async function pages(): Promise<string[]> {
  const inDocs = existsSync(join(checkout, 'docs')) ? await readdir(join(checkout, 'docs')) : []
  const documents = inDocs.filter((name) => name.endsWith('.md')).map((name) => join('docs', name))
  return ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'packages/rpm-parser/README.md', ...documents]
}

/** As GitHub makes them of headings. */
async function anchorsOf(file: string): Promise<Set<string>> {
  const headings = (await readFile(file, 'utf8')).matchAll(/^#+ (.+)$/gm)
  return new Set(
    [...headings].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}
