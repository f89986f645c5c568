import { readFile, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { checkout } from '../../fixtures/cloud-process.ts'
import { generatedPages } from './generated-pages.ts'

process.exitCode = await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<number> {
  const isCheck = args[0] === '--check'
  if (args.length > (isCheck ? 1 : 0)) {
    process.stderr.write('scripts/docs [--check]\n')
    return 2
  }
  let stale = 0
  for (const { path, text } of await generatedPages()) {
    const file = join(checkout, path)
    if ((await readFile(file, 'utf8').catch(() => '')) === text) continue
    stale += 1
    if (!isCheck) await writeFile(file, text)
    process.stdout.write(`${relative(checkout, file)}: ${isCheck ? 'out of date, see scripts/docs' : 'written'}\n`)
  }
  return isCheck && stale > 0 ? 1 : 0
}
