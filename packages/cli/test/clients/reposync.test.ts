/**
 * `dnf reposync`, with which people mirror a repository: what arrives is the repository.
 */
import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { describeWithClients } from '../../../../fixtures/describe-with-clients.ts'
import { openDnf } from '../../../../fixtures/dnf.ts'
import { readRepodata } from '../../../../fixtures/repodata-trees.ts'
import { clientPlaceForTests } from './client-place.ts'
import { failureOutput } from './failure-output.ts'
import { harbourFiles, publishHarbour, root } from './harbour-repository.ts'
import { turnLastBit } from './turn-last-bit.ts'

const place = clientPlaceForTests(publishHarbour)

describeWithClients(['dnf', 'dnf-plugins', 'rpm'], 'dnf reposync', () => {
  it('mirrors every package and the metadata, which describe each other', async () => {
    const into = await place().makeDirectory()
    const dnf = await openDnf(await place().makeDirectory(), place().urlOf(root))
    const { stdout } = await dnf('reposync', `--download-path=${into}`, '--download-metadata', '--norepopath')
    expect(stdout).toContain('(11/11): ')
    expect(stdout).not.toMatch(/\[(MIRROR|FAILED)\]/)

    const files = await harbourFiles(await place().makeDirectory())
    const mirrored = (await readdir(into)).filter((name) => name !== 'repodata').sort()
    expect(mirrored).toEqual(files.map((file) => basename(file)).sort())
    for (const file of files) expect(await readFile(join(into, basename(file)))).toEqual(await readFile(file))
    // Looks at the digest of each document, too.
    expect([...(await readRepodata(into)).keys()].sort()).toEqual(mirrored)
    // Header and payload: rpm's own view of the same bytes.
    const checked = await promisify(execFile)('rpm', ['-K', '--nosignature', ...mirrored], {
      cwd: into,
      // Where rpm makes a database of its own.
      env: { ...process.env, HOME: await place().makeDirectory() },
    })
    expect(checked.stdout.trimEnd().split('\n').sort()).toEqual(mirrored.map((name) => `${name}: digests OK`))
  })

  it('leaves out what has another digest, and says so', async () => {
    const at = 'tampered'
    await publishHarbour(place(), at)
    const { expected, calculated } = await turnLastBit(place(), `${at}/tide-gauge-1.8.0-1.src.rpm`)
    const into = await place().makeDirectory()
    const dnf = await openDnf(await place().makeDirectory(), place().urlOf(at))
    const output = await failureOutput(dnf('reposync', `--download-path=${into}`, '--norepopath'))
    expect(output).toContain(`Calculated: ${calculated}(sha256)  Expected: ${expected}(sha256)`)
    expect(output).toContain('[FAILED] tide-gauge-1.8.0-1.src.rpm: No more mirrors to try')
    expect((await readdir(into)).filter((name) => name.startsWith('tide-gauge'))).toEqual([
      'tide-gauge-1.8.0-1.x86_64.rpm',
    ])
  })
})
