/**
 * What is published beside what createrepo_c says of the very files that are in the bucket.
 */
import { mkdir, mkdtemp, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { readBody, type S3Store } from '@repokeeper/object-store'
import { createrepo, firstDifference, readRepodata, readRepodataBy } from '../../fixtures/repodata-trees.ts'

/** One line for each package that is not listed, is listed and not there, or is listed otherwise than createrepo_c does. */
export async function differences(
  store: S3Store,
  root: string,
  directory: string,
): Promise<{ packages: number; wrong: string[] }> {
  const files = await download(store, root, directory)
  await createrepo(files)
  const theirs = await readRepodata(files)
  const ours = await readRepodataBy((href) => read(store, `${root}${href}`))
  const wrong: string[] = []
  for (const location of ours.keys()) {
    if (!theirs.has(location)) wrong.push(`${root}${location} is listed, and not in the bucket`)
  }
  for (const [location, their] of theirs) {
    const our = ours.get(location)
    if (our === undefined) wrong.push(`${root}${location} is in the bucket, and not listed`)
    else {
      for (const kind of ['primary', 'filelists', 'other'] as const) {
        const difference = firstDifference(our[kind], their[kind])
        if (difference !== undefined) wrong.push(`${root}${location} in ${kind}: ${difference}`)
      }
    }
  }
  return { packages: theirs.size, wrong }
}

/** With the times that the store gave them. */
async function download(store: S3Store, root: string, directory: string): Promise<string> {
  const files = await mkdtemp(join(directory, 'download-'))
  for await (const { key, lastModified } of store.list(root)) {
    if (!key.endsWith('.rpm')) continue
    const path = join(files, key.slice(root.length))
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, await read(store, key))
    await utimes(path, lastModified, lastModified)
  }
  return files
}

async function read(store: S3Store, key: string): Promise<Uint8Array> {
  const got = await store.get(key)
  if (got.kind !== 'found') throw new Error(`${key} is ${got.kind}`)
  return readBody(got.body, 2 ** 30)
}
