/** davfs2, as it comes: a door as a folder of this machine, with locks. */
import { execFile, execFileSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { buildPackage } from '@repokeeper/rpm-parser/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { describeWithClients } from '../../../fixtures/describe-with-clients.ts'
import { openTwoStores, type TwoStores } from './two-stores.ts'
import { openWritableDoor } from './writable-door.ts'

const run = promisify(execFile)
let two: TwoStores
beforeAll(async () => {
  two = await openTwoStores()
})
afterAll(async () => {
  await two.close()
})

/** Where the mount point lies, and what davfs2 keeps. */
async function mount(url: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'repokeeper-davfs2-'))
  // Its daemon runs as a user of its own.
  await chmod(directory, 0o755)
  const cache = join(directory, 'cache')
  const place = join(directory, 'place')
  const conf = join(directory, 'davfs2.conf')
  await mkdir(cache)
  const [, , gid] = execFileSync('getent', ['group', 'davfs2'], { encoding: 'utf8' }).split(':')
  await chown(cache, 0, Number(gid))
  await chmod(cache, 0o775)
  await mkdir(place)
  // A new kernel reads more of a directory at once than the usual 16 KiB: "ls" would say "Invalid argument", whatever the server is.
  await writeFile(conf, ['ask_auth 0', 'buf_size 64', 'delay_upload 0', `cache_dir ${cache}`, ''].join('\n'))
  await run('mount', ['-t', 'davfs', '-o', `conf=${conf}`, url, place])
  onTestFinished(async () => {
    await run('umount', [place])
    await rm(directory, { recursive: true })
  })
  return place
}

describeWhereFilesMayBeMounted('davfs2', () => {
  it('lists, writes, reads, moves and deletes in a bucket, under locks', async () => {
    const { url, keys, send } = await openWritableDoor(two, 'a bucket', 'davfs2/')
    const rpm = buildPackage({ name: 'one' })
    const mine = join(two.directory, 'one.rpm')
    await writeFile(mine, rpm)
    const place = await mount(`${url}/`)
    // Not as the child's working directory: to go there may ask the door, and until the child is there this process does nothing.
    const sh = (line: string) =>
      run('sh', ['-ec', `cd "$place"; ${line}`], { env: { ...process.env, LC_ALL: 'C', mine, place } })
    await sh('mkdir el9; cp "$mine" el9/one.rpm; cp "$mine" el9/two.rpm')
    expect((await sh('ls el9')).stdout).toBe('one.rpm\ntwo.rpm\n')
    expect((await sh('cmp "$mine" el9/one.rpm; stat -c %s el9/one.rpm')).stdout).toBe(`${rpm.length}\n`)
    await sh('mv el9/one.rpm el9/three.rpm; rm el9/two.rpm')
    expect(await keys()).toEqual(['el9/three.rpm'])
    await expect(sh('echo hello > readme.txt')).rejects.toThrow()
    const lockinfo =
      '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype><owner>else</owner></lockinfo>'
    await send('LOCK', '/el9/held.rpm', {}, lockinfo)
    await expect(sh('cp "$mine" el9/held.rpm')).rejects.toThrow()
    expect(await keys()).toEqual(['el9/three.rpm'])
  })
})

function describeWhereFilesMayBeMounted(title: string, body: () => void): void {
  if (mayMount()) describeWithClients(['davfs2'], title, body)
  else describe.skip(title, { meta: { skipReason: 'nothing can be mounted here: it takes root, and /dev/fuse' } }, body)
}

function mayMount(): boolean {
  try {
    accessSync('/dev/fuse', constants.R_OK | constants.W_OK)
    return process.getuid?.() === 0
  } catch {
    return false
  }
}
