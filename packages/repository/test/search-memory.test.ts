/**
 * What a search holds in memory does not grow with the repository: a process of its own needs less than the document alone would take.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { createGzip } from 'node:zlib'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { newDirectory } from './take-over-workbench.ts'

const run = promisify(execFile)
const Report = z.looseObject({ found: z.number(), hits: z.array(z.string()), peakMebibytes: z.number() })
const packages = 15_000
/** Of one package: together some 150 MiB, open. */
const description = 'words '.repeat(1_600)
const heapMebibytes = 32
/** The process itself takes some 100 of them. */
const peakMebibytesMax = 200

test(`finds all of ${packages} packages, and tells of some, in little memory`, async () => {
  const directory = newDirectory()
  await writeRepository(directory)
  const child = join(import.meta.dirname, 'search-child.ts')
  const args = [`--max-old-space-size=${heapMebibytes}`, child, directory, join(directory, 'cache'), 'needs']
  const { stdout } = await run(process.execPath, args)
  const { found, hits, peakMebibytes } = Report.parse(JSON.parse(stdout))
  // Each is nearer than the one before it, and described anew.
  expect({ found, first: hits[0], told: hits.length }).toEqual({
    found: packages,
    first: 'package-0-1.0-1.noarch',
    told: 100,
  })
  expect(peakMebibytes).toBeLessThan(peakMebibytesMax)
})

async function writeRepository(directory: string): Promise<void> {
  await mkdir(join(directory, 'repodata'))
  const path = join(directory, 'repodata', 'primary.xml.gz')
  const file = await open(path, 'w')
  await pipeline(Readable.from(primary()), createGzip({ level: 1 }), file.createWriteStream())
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk)
  const { size } = await stat(path)
  await writeFile(
    join(directory, 'repodata', 'repomd.xml'),
    `<repomd xmlns="http://linux.duke.edu/metadata/repo"><revision>1</revision><data type="primary"><checksum type="sha256">${hash.digest('hex')}</checksum><location href="repodata/primary.xml.gz"/><size>${size}</size></data></repomd>`,
  )
}

/** From the last name to the first. */
function* primary(): Generator<string> {
  yield `<metadata xmlns="http://linux.duke.edu/metadata/common" xmlns:rpm="http://linux.duke.edu/metadata/rpm" packages="${packages}">\n`
  const requires = Array.from({ length: 5 }, (_, number) => `<rpm:entry name="needs-${number}" flags="GE" ver="1"/>`)
  for (let number = packages - 1; number >= 0; number -= 1) {
    const id = String(number).padStart(64, '0')
    yield `<package type="rpm"><name>package-${number}</name><arch>noarch</arch><version epoch="0" ver="1.0" rel="1"/><checksum type="sha256" pkgid="YES">${id}</checksum><summary>Package ${number}</summary><description>${description}</description><time file="1" build="1"/><size package="1" installed="1" archive="1"/><location href="p/${number}.rpm"/><format><rpm:requires>${requires.join('')}</rpm:requires></format></package>\n`
  }
  yield '</metadata>\n'
}
