/**
 * The files of a key that was made. None of them is ever written over another: a key that is lost is lost for good.
 */
import { open, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { makeDirectory } from '@repokeeper/object-store'
import type { NewKey } from '@repokeeper/signing'
import { CommandError } from './failure.ts'

export interface KeyPaths {
  /** Mode 0600. */
  readonly privateKey: string
  readonly publicKey: string
  /** Mode 0600: who has it can tell the world that the key is void. */
  readonly revocation: string
}

/**
 * Where the files of a new key go, before it is made: that takes seconds.
 *
 * @param output a directory, which is there or ends in a slash, or the file of the private key
 * @throws CommandError EXISTS
 */
export async function planKeyFiles(output: string): Promise<KeyPaths> {
  const isDirectory = output.endsWith('/') || (await stat(output).catch(() => undefined))?.isDirectory() === true
  const privateKey = resolve(isDirectory ? join(output, 'signing-key.asc') : output)
  const stem = privateKey.replace(/\.(?:asc|gpg|pgp|key)$/, '')
  const paths = { privateKey, publicKey: `${stem}.pub.asc`, revocation: `${stem}.revocation.asc` }
  for (const path of Object.values(paths)) {
    if ((await stat(path).catch(() => undefined)) !== undefined) throw exists(path)
  }
  return paths
}

/** All three, or none. @throws CommandError EXISTS where somebody was faster */
export async function writeKeyFiles(paths: KeyPaths, key: NewKey): Promise<void> {
  await makeDirectory(dirname(paths.privateKey), 0o700)
  const files = [
    { path: paths.privateKey, text: key.revealPrivateKey(), mode: 0o600 },
    { path: paths.revocation, text: key.revocationCertificate, mode: 0o600 },
    { path: paths.publicKey, text: key.publicKey, mode: 0o644 },
  ]
  const written: string[] = []
  try {
    for (const { path, text, mode } of files) {
      await writeNew(path, text, mode)
      written.push(path)
    }
  } catch (error) {
    for (const path of written) await rm(path)
    throw error
  }
}

/** @throws CommandError EXISTS */
export async function writeNew(path: string, text: string, mode: number): Promise<void> {
  try {
    await using file = await open(path, 'wx', mode)
    await file.writeFile(text)
    await file.sync()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') throw exists(path)
    throw error
  }
}

function exists(path: string): CommandError {
  return new CommandError('EXISTS', `${path} is there already, and is not written over: name another --output`)
}
