/**
 * The tools that people use today, called the way that is fastest for the task.
 */
import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { locationsAfter } from './change.ts'
import type { Contestant, Task } from './contestant.ts'
import { measureProcess } from './measured-process.ts'
import { inDirectory } from './published.ts'
import { placePackages } from './repository-copy.ts'

/** "0.17.3", or `undefined` where it is not on PATH. */
export function versionOf(tool: 'createrepo_c' | 'mergerepo_c' | 'dnf'): string | undefined {
  const { status, stdout, stderr } = spawnSync(tool, ['--version'], { encoding: 'utf8' })
  if (status !== 0) return undefined
  return /\d+(\.\d+)+/.exec(`${stdout}${stderr}`)?.[0] ?? 'of an unknown version'
}

/** Writes sqlite databases beside the XML, by default up to 0.x. */
export const createrepoUpdate = updateBy('createrepo_c --update', [])
export const createrepoUpdateXml = updateBy('createrepo_c --update --no-database', ['--no-database'])

function updateBy(name: string, options: readonly string[]): Contestant {
  return {
    name,
    startsFrom: 'theirs',
    async run(task) {
      await placePackages(task.directory, task.change.added)
      const lists = await packageList(task)
      const args = ['--quiet', '--update', '--skip-stat', ...lists, ...options, task.directory]
      return { cost: await measureProcess('createrepo_c', args), published: inDirectory(task.directory) }
    },
  }
}

/**
 * What is to be listed, below the directory. Where packages only come, the new ones do: the others are taken from the old metadata.
 * Where some go, all that stay have to be named, and the old list must not be used.
 */
async function packageList({ scratch, packages, change }: Task): Promise<string[]> {
  const onlyAdds = change.removed.length === 0
  const locations = onlyAdds ? change.added.map(({ location }) => location) : locationsAfter(packages, change, [])
  const file = join(scratch, 'pkglist')
  await writeFile(file, `${[...locations].join('\n')}\n`)
  return onlyAdds ? ['--recycle-pkglist', '--pkglist', file] : ['--pkglist', file]
}

/** The repository, and one with what is new; it can't leave anything out. */
export const mergerepo: Contestant = {
  name: 'mergerepo_c',
  startsFrom: 'theirs',
  onlyAdds: true,
  async run({ directory, scratch, change }) {
    const fresh = join(scratch, 'fresh')
    await placePackages(fresh, change.added)
    await measureProcess('createrepo_c', ['--quiet', fresh])
    const merged = join(scratch, 'merged')
    const args = ['--omit-baseurl', '--repo', directory, '--repo', fresh, '--outputdir', merged]
    return { cost: await measureProcess('mergerepo_c', args), published: inDirectory(merged) }
  },
}

export const createrepoFull = fullBy('createrepo_c', [])
export const createrepoFullXml = fullBy('createrepo_c --no-database', ['--no-database'])

function fullBy(name: string, options: readonly string[]): Contestant {
  return {
    name,
    startsFrom: 'packages',
    async run({ directory }) {
      const cost = await measureProcess('createrepo_c', ['--quiet', ...options, directory])
      return { cost, published: inDirectory(directory) }
    },
  }
}
