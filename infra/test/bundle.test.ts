/**
 * The zip file that lambda.yaml names, made and opened as Lambda does.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { describeWithTool } from './describe-with-tool.ts'
import { folder, readTemplate } from './template.ts'

/** A limit, not a measurement: the machine may be busy with other tests. */
const limitMs = 300_000

const work = mkdtempSync(join(tmpdir(), 'repokeeper-bundle-'))
afterAll(() => rmSync(work, { recursive: true, force: true }))

describeWithTool('unzip', ['-v'], 'infra/bundle/lambda', () => {
  describe('of a checkout', () => {
    it(
      'makes the same file twice, and in it is the handler that the template names',
      () => {
        const archives = ['one.zip', 'another.zip'].map((name) => join(work, name))
        for (const archive of archives) execFileSync(join(folder, 'bundle', 'lambda'), [archive], { stdio: 'pipe' })
        const [one, another] = archives.map((archive) => readFileSync(archive))
        expect(one?.equals(another ?? Buffer.of())).toBe(true)
        // "Deploying with CloudFormation": 50 MB at most, zipped.
        expect(one?.length).toBeLessThan(50e6)

        execFileSync('unzip', ['-q', archives[0] ?? '', '-d', join(work, 'task')])
        const [module, name] = String(readTemplate('lambda').Parameters.Handler?.Default).split('.')
        const url = pathToFileURL(join(work, 'task', `${module}.js`)).href
        const script = `import { ${name} } from ${JSON.stringify(url)}; console.log(typeof ${name}); process.exit()`
        const said = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
        expect(said).toBe('function\n')
      },
      limitMs,
    )
  })
})

describe.each(['lambda', 'checkout'])('infra/bundle/%s', (name) => {
  it('says how it is called where it is called otherwise', () => {
    expect(() => execFileSync(join(folder, 'bundle', name), { stdio: 'pipe' })).toThrow(`usage: infra/bundle/${name}`)
  })
})
