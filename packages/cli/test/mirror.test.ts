/** mirror, as people run it: of a repository that createrepo_c made, killed in the middle, filtered, of two upstreams at once, and read by dnf. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { startLocalCloud } from '@repokeeper/local-cloud'
import { buildPackage, type PackageSpec } from '@repokeeper/rpm-parser/testing'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { describeWithClients } from '../../../fixtures/describe-with-clients.ts'
import { openDnf } from '../../../fixtures/dnf.ts'
import { workplaceForTests } from './run-cli.ts'

const run = promisify(execFile)
const place = workplaceForTests()
const at = (path: string): string => join(place().directory, path)
let server: Server
/** Of the directories of this place. */
let web: string
/** What was asked for, and what is done at each request. */
const asked: string[] = []
let onRequest = (): void => {}

beforeAll(async () => {
  server = createServer(async ({ url = '' }, response) => {
    asked.push(url)
    onRequest()
    const file = await readFile(at(decodeURIComponent(url))).catch(() => undefined)
    response.writeHead(file === undefined ? 404 : 200).end(file)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  web = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  server.close()
  server.closeAllConnections()
})

async function publish(
  upstream: string,
  packages: readonly PackageSpec[],
  more: readonly string[] = [],
): Promise<void> {
  await mkdir(at(`${upstream}/Packages`), { recursive: true })
  for (const spec of packages) {
    const { name, version = '1.0', arch = 'noarch' } = spec
    await writeFile(at(`${upstream}/Packages/${name}-${version}-1.${arch}.rpm`), buildPackage(spec))
  }
  await run('createrepo_c', ['--quiet', ...more, at(upstream)])
}

/** The packages that lie there, below `Packages/`, by name. */
async function packagesIn(repository: string): Promise<string[]> {
  const names = await readdir(at(`${repository}/Packages`)).catch(() => [])
  return names.filter((name) => !name.startsWith('.')).toSorted()
}

async function mirror(...args: string[]) {
  const ran = await place().repokeeper('mirror', ...args, '--json')
  const [report] = ran.stdout === '' ? [] : (JSON.parse(ran.stdout).mirrors ?? [])
  return { code: ran.code, stderr: ran.stderr, report }
}

describeWithClients(['createrepo_c', 'dnf'], 'a mirror of a repository that createrepo_c made', () => {
  const names = Array.from({ length: 1_000 }, (_, number) => `tide${number}`)
  beforeAll(() =>
    publish(
      'tides',
      names.map((name) => ({ name })),
    ),
  )

  it('goes on where it was killed: everything once, nothing lost, and dnf lists it', async () => {
    const isPackage = (url: string): boolean => url.endsWith('.rpm')
    const child = place().start('mirror', `${web}/tides`, 'killed')
    const exited = once(child, 'exit')
    onRequest = () => {
      if (asked.filter(isPackage).length === 400) child.kill('SIGKILL')
    }
    expect(await exited).toEqual([null, 'SIGKILL'])
    onRequest = () => {}
    const there = await packagesIn('killed')
    expect(there.length).toBeGreaterThan(100)
    expect(there.length).toBeLessThan(1_000)

    asked.length = 0
    const { code, report } = await mirror(`${web}/tides`, 'killed')
    expect({ code, report }).toMatchObject({ code: 0, report: { ok: true, there: there.length, failed: [] } })
    const fetched = names
      .map((name) => `Packages/${name}-1.0-1.noarch.rpm`)
      .filter((path) => !there.includes(path.slice(9)))
    expect(report.fetched.toSorted()).toEqual(fetched.toSorted())
    expect(asked.filter(isPackage).toSorted()).toEqual(fetched.map((path) => `/tides/${path}`).toSorted())

    const dnf = await openDnf(at('dnf'), `${web}/killed/`)
    const { stdout } = await dnf('repoquery', '--qf', '%{name}')
    expect(stdout.trim().split('\n').toSorted()).toEqual(names.toSorted())
    for (const name of names) {
      const path = `Packages/${name}-1.0-1.noarch.rpm`
      expect(await readFile(at(`killed/${path}`))).toEqual(await readFile(at(`tides/${path}`)))
    }
  })
})

describeWithClients(['createrepo_c'], 'what is chosen', () => {
  beforeAll(async () => {
    const versions = ['1.0', '1.9', '1.10'].flatMap((version) =>
      ['x86_64', 'aarch64'].map((arch) => ({ name: 'buoy', version, arch })),
    )
    await publish('choice', [...versions, { name: 'buoy-debuginfo' }, { name: 'anchor', epoch: 2 }])
  })

  it('says what it would do, and does it', async () => {
    const chosen =
      '--include buoy* --include anchor --exclude *-debuginfo --newest 1 --since 1h --arch x86_64 --arch noarch'
    const args = [`${web}/choice`, 'said', '--to', 'vendor', ...chosen.split(' ')]
    const dry = await place().repokeeper('mirror', ...args, '--dry-run')
    expect(dry.stdout).toMatch(
      /^would be fetched {3}vendor\/Packages\/anchor-1\.0-1\.noarch\.rpm {2}\(anchor-2:1\.0-1\.noarch, /m,
    )
    expect(dry.stdout).toMatch(/\nsaid: 2 to fetch \(.*\), 0 there already \(dry run: nothing was changed\)\n$/)
    expect(await readdir(at('said'))).toEqual([])
    const done = await place().repokeeper('mirror', ...args)
    expect(done).toMatchObject({ code: 0, stdout: expect.stringContaining('said: 2 fetched, 0 there already') })
    expect(await packagesIn('said/vendor')).toEqual(['anchor-1.0-1.noarch.rpm', 'buoy-1.10-1.x86_64.rpm'])
  })
})

const comps = (id: string, name: string): string => `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE comps PUBLIC "-//Red Hat, Inc.//DTD Comps info//EN" "comps.dtd">
<comps><group><id>${id}</id><name>The ${id} group</name><description/><default>true</default><uservisible>true</uservisible>
<packagelist><packagereq type="mandatory">${name}</packagereq></packagelist></group></comps>`
const updateinfo = (id: string, name: string): string => `<updates>
<update from="harbour@example.com" status="final" type="security" version="1"><id>${id}</id><title>${id}</title><severity>Important</severity>
<issued date="2026-01-01 00:00:00"/><description>of ${name}</description><pkglist><collection short="h"><name>h</name>
<package name="${name}" version="1.0" release="1" epoch="0" arch="noarch"><filename>${name}-1.0-1.noarch.rpm</filename></package>
</collection></pkglist></update></updates>`
const modules = (module: string, name: string): string => `---
document: modulemd
version: 2
data:
  name: ${module}
  stream: 1.10
  version: 20260101
  context: abcdef01
  arch: x86_64
  summary: A module
  description: A module
  license: {module: [MIT]}
  artifacts:
    rpms: ['${name}-0:1.0-1.noarch']
`

describeWithClients(['createrepo_c', 'dnf'], 'a mirror of two upstreams', () => {
  beforeAll(async () => {
    for (const [upstream, name] of [
      ['north', 'pilot'],
      ['south', 'ferry'],
    ] as const) {
      for (const [file, text] of [
        ['comps.xml', comps(`${upstream}-port`, name)],
        ['updateinfo.xml', updateinfo(`${upstream.toUpperCase()}-2026-1`, name)],
        ['modules.yaml', modules(`${upstream}-module`, `${name}-module`)],
      ] as const) {
        await writeFile(at(`${upstream}-${file}`), text)
      }
      await publish(upstream, [{ name }, { name: `${name}-module` }], ['-g', at(`${upstream}-comps.xml`)])
      const repodata = at(`${upstream}/repodata`)
      await rename(at(`${upstream}-updateinfo.xml`), at('updateinfo.xml'))
      await run('modifyrepo_c', [at('updateinfo.xml'), repodata])
      await run('modifyrepo_c', ['--mdtype', 'modules', at(`${upstream}-modules.yaml`), repodata])
    }
  })

  it('has the packages, groups, advisories and modules of both for dnf, and publishes nothing again', async () => {
    expect(await mirror(`${web}/north`, `${web}/south`, 'both')).toMatchObject({ code: 0 })
    const before = await readFile(at('both/repodata/repomd.xml'), 'utf8')
    expect(await mirror(`${web}/north`, `${web}/south`, 'both')).toMatchObject({ code: 0, report: { documents: [] } })
    expect(await readFile(at('both/repodata/repomd.xml'), 'utf8')).toBe(before)

    const dnf = await openDnf(at('dnf-of-both'), `${web}/both/`, ['module_hotfixes=0'])
    const groups = await dnf('group', 'list', '--ids')
    expect(groups.stdout).toMatch(/The north-port group \(north-port\)[\s\S]*The south-port group \(south-port\)/u)
    const listedModules = await dnf('module', 'list')
    expect(listedModules.stdout).toMatch(/north-module +1\.10[\s\S]*south-module +1\.10/u)
    const advised = await dnf('repoquery', '--quiet', '--advisory=NORTH-2026-1,SOUTH-2026-1')
    expect(advised.stdout).toBe('ferry-0:1.0-1.noarch\npilot-0:1.0-1.noarch\n')
  })
})

describeWithClients(['createrepo_c'], 'a mirror of what mergerepo_c has merged', () => {
  beforeAll(async () => {
    await publish('left', [{ name: 'port' }, { name: 'both', summary: 'of the left' }])
    await publish('right', [{ name: 'starboard' }, { name: 'both', version: '2.0' }])
    const repos = ['left', 'right'].flatMap((name) => ['--repo', `${web}/${name}/`])
    await run('mergerepo_c', ['--all', '--no-database', '--outputdir', at('merged'), ...repos])
  })

  it('has the packages of both from where they lie, and names no other place', async () => {
    const primary = await place().repokeeper('list', 'merged', '--json')
    expect(primary.stdout).toContain(`"base":"${web}/left"`)
    const dry = await place().repokeeper('mirror', `${web}/merged`, 'unmerged', '--dry-run')
    expect(dry.stdout).toMatch(/^would be fetched {3}Packages\/port-1\.0-1\.noarch\.rpm {2}\(port-.*, elsewhere\)$/m)
    expect(await mirror(`${web}/merged`, 'unmerged')).toMatchObject({ code: 0 })
    const names = ['both-1.0-1', 'both-2.0-1', 'port-1.0-1', 'starboard-1.0-1'].map((name) => `${name}.noarch.rpm`)
    expect(await packagesIn('unmerged')).toEqual(names)
    const listed = await place().repokeeper('list', 'unmerged', '--json')
    expect(listed.stdout.trim().split('\n')).toHaveLength(names.length)
    expect(listed.stdout).not.toContain(web)
    asked.length = 0
    expect(await mirror(`${web}/merged`, 'unmerged')).toMatchObject({ code: 0, report: { fetched: [] } })
    expect(asked.filter((url) => url.endsWith('.rpm'))).toEqual([])
  })
})

describeWithClients(['createrepo_c'], 'mirror', () => {
  beforeAll(async () => {
    await publish(
      'quay',
      ['one', 'two', 'three', 'four'].map((name) => ({ name })),
    )
  })

  it('prunes nothing where upstream looks broken, before a person says so', async () => {
    await run('cp', ['-r', at('quay'), at('shrinking')])
    expect(await mirror(`${web}/shrinking`, 'pruned')).toMatchObject({ code: 0 })
    for (const name of ['one', 'two', 'three']) await rm(at(`shrinking/Packages/${name}-1.0-1.noarch.rpm`))
    await run('createrepo_c', ['--quiet', at('shrinking')])
    expect(await mirror(`${web}/shrinking`, 'pruned', '--prune')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/nothing is pruned: of 4 packages .* there is 1 left.*--force-prune/),
      report: { pruned: [] },
    })
    expect(await mirror(`${web}/shrinking`, 'pruned', '--prune', '--force-prune')).toMatchObject({ code: 0 })
    expect(await packagesIn('pruned')).toEqual(['four-1.0-1.noarch.rpm'])
  })

  it('makes an exact copy with the metadata of upstream', async () => {
    await writeFile(at('quay-mirrors?key=hush'), `${web}/nowhere\n${web}/quay\n`)
    const args = ['--mirrorlist', `${web}/quay-mirrors?key=hush`, 'exact', '--keep-upstream-metadata']
    expect(await mirror(...args)).toMatchObject({ code: 0, report: { exact: true, packages: 4, fetched: 4 } })
    const [repomd, copied] = await Promise.all(
      ['quay', 'exact'].map((name) => readFile(at(`${name}/repodata/repomd.xml`), 'utf8')),
    )
    expect(copied).toBe(repomd)
    expect(await readFile(at('exact/repodata/replica.json'), 'utf8')).not.toContain('hush')
  })

  it('goes into a bucket with digests that S3 vouches for, and leaves the metadata to the workers', async () => {
    const cloud = await startLocalCloud({ directory: at('cloud') })
    const credentials = { accessKeyId: 'tester', secretAccessKey: 'anything' }
    const s3 = new S3Client({ endpoint: cloud.endpoint, region: 'us-east-1', forcePathStyle: true, credentials })
    onTestFinished(async () => {
      s3.destroy()
      await cloud.close()
    })
    await s3.send(new CreateBucketCommand({ Bucket: 'harbour' }))
    const here = place().with({
      ...{ AWS_ENDPOINT_URL: cloud.endpoint, AWS_REGION: 'us-east-1' },
      ...{ AWS_ACCESS_KEY_ID: 'tester', AWS_SECRET_ACCESS_KEY: 'anything' },
    })
    const ran = await here.repokeeper('mirror', `${web}/quay`, 's3://harbour/el9')
    expect(ran).toMatchObject({ code: 0, stdout: expect.stringContaining('s3://harbour/el9/: 4 fetched') })
    const before = cloud.calls.list().at(-1)?.number ?? 0
    const again = await here.repokeeper('mirror', `${web}/quay`, 's3://harbour/el9', '--publish', '--wait')
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('0 fetched, 4 there already') })
    const calls = cloud.calls.list().filter(({ number, key }) => number > before && key?.endsWith('.rpm'))
    // Headers, by ranges; no package is downloaded to see what it is.
    expect(new Set(calls.map(({ operation }) => operation))).toEqual(new Set(['HeadObject', 'GetObject']))
  })

  it('tells nobody a password', async () => {
    const secret = web.replace('//', '//me:hush@')
    const ran = await place().repokeeper('mirror', `${secret}/nowhere`, `${secret}/list?token=hush`, 'secret', '--json')
    expect(ran).toMatchObject({ code: 1, stdout: expect.stringContaining('NO_METADATA') })
    expect(ran.stdout + ran.stderr).not.toContain('me:hush')
  })

  it('mirrors no repository to itself, however it is written', async () => {
    const { code, stderr } = await place().repokeeper('mirror', 'quay', `${at('.')}/quay/`)
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('cannot be mirrored to itself') })
  })

  it('brings nothing to a repository that is signed, without its key', async () => {
    await mkdir(at('signed/repodata'), { recursive: true })
    await writeFile(at('signed/repodata/repomd.xml.asc'), 'a signature')
    const { code, stderr } = await mirror(`${web}/quay`, 'signed')
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('its metadata is signed') })
    expect(await packagesIn('signed')).toEqual([])
  })

  it('does what a file says, mirror by mirror, and the others where one fails', async () => {
    await writeFile(
      at('mirrors.yaml'),
      `- upstream: ${web}/quay\n  to: from-file\n  include: [one, t*]\n  newest: 1\n- upstream: ${web}/nowhere\n  to: other\n` +
        `- mirrorlist: ${web}/quay-list\n  to: from-list\n  exclude: one\n  directory: vendor\n`,
    )
    await writeFile(at('quay-list'), `${web}/quay\n`)
    const ran = await place().repokeeper('mirror', '--config', 'mirrors.yaml', '--json')
    expect(ran.code).toBe(1)
    expect(JSON.parse(ran.stdout)).toMatchObject({
      ok: false,
      mirrors: [{ ok: true }, { ok: false, error: { code: 'NO_METADATA' } }, { ok: true }],
    })
    const chosen = ['one', 'three', 'two'].map((name) => `${name}-1.0-1.noarch.rpm`)
    expect(await packagesIn('from-file')).toEqual(chosen)
    expect(await packagesIn('from-list/vendor')).toEqual(chosen.with(0, 'four-1.0-1.noarch.rpm'))
  })
})
