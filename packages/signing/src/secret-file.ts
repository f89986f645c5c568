import { open } from 'node:fs/promises'
import { SigningError, type SigningErrorCode } from './signing-error.ts'

/** A secret as somebody gives it: a file, or the text itself, as out of an environment variable. */
export type Secret = { readonly file: string } | { readonly text: string }

const secretBytesMax = 2 ** 20

/**
 * Reads a private key or a passphrase. Like ssh (authfile.c `sshkey_perm_ok`) it takes no file of one's own that others may read; who
 * owns a file for others, as Kubernetes does, is taken to know what it does.
 *
 * @param what for messages: `the private key`
 * @param isPublic what others may read after all: whoever asked for it then says that it is no secret
 * @throws SigningError READABLE_BY_OTHERS, or `code` where it cannot be read
 */
export async function readSecret(
  secret: Secret,
  what: string,
  code: SigningErrorCode,
  isPublic: (bytes: Uint8Array) => boolean = () => false,
): Promise<Uint8Array> {
  if ('text' in secret) return Buffer.from(secret.text)
  const { file } = secret
  const handle = await open(file, 'r').catch((error: unknown) => {
    // What was named as the file of a passphrase may be the passphrase itself.
    const subject = code === 'BAD_PASSPHRASE' ? `the file that ${what} is to be in` : `${what} ${file}`
    throw new SigningError(code, `${subject} cannot be read (${codeOf(error)})${whatToDo(error)}`)
  })
  try {
    const { mode, uid, size } = await handle.stat()
    if (size > secretBytesMax) throw new SigningError(code, `${what} ${file} has ${size} bytes, which none has`)
    const bytes = await handle.readFile()
    const permissions = mode & 0o777
    if (!isPublic(bytes) && uid === process.getuid?.() && (permissions & 0o077) !== 0) {
      const octal = permissions.toString(8).padStart(4, '0')
      const message = `${what} ${file} can be read by others (mode ${octal}); mend it with: chmod 600 ${file}`
      throw new SigningError('READABLE_BY_OTHERS', message)
    }
    return bytes
  } catch (error) {
    if (error instanceof SigningError) throw error
    throw new SigningError(code, `${what} ${file} cannot be read (${codeOf(error)})${whatToDo(error)}`)
  } finally {
    await handle.close()
  }
}

function whatToDo(error: unknown): string {
  switch (codeOf(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return '; there is no such file: check the path, or name another source (env:VARIABLE, secretsmanager:SECRET, ssm:PARAMETER)'
    case 'EACCES':
    case 'EPERM':
      return '; let the user that runs this read it: it, and the directories that it lies in'
    case 'EISDIR':
      return '; it is a directory: name the file in it'
    default:
      return ''
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown'
}
