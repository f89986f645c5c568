/**
 * What is kept of passwords and tokens: never themselves.
 */
import { createHash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto'

/** OWASP, "Password Storage Cheat Sheet", of scrypt: N = 2^15, r = 8, p = 3. Some 32 MiB and a tenth of a second. */
const cost = { N: 2 ** 15, r: 8, p: 3 } as const
const saltBytes = 16
const hashBytes = 32
const memoryMax = 64 * 2 ** 20

const pattern = /^scrypt:([A-Za-z0-9_-]{22}):([A-Za-z0-9_-]{43})$/

export function isPasswordHash(text: string): boolean {
  return pattern.test(text)
}

/** `scrypt:SALT:HASH`. Differs each time. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(saltBytes)
  return `scrypt:${salt.toString('base64url')}:${(await derive(password, salt)).toString('base64url')}`
}

/**
 * Takes the same time whatever is wrong.
 *
 * @param hash `undefined`: there is no such user
 */
export async function isPassword(password: string, hash: string | undefined): Promise<boolean> {
  const [, salt = '', wanted = ''] = pattern.exec(hash ?? '') ?? []
  const found = await derive(password, Buffer.from(salt, 'base64url'))
  const known = Buffer.alloc(hashBytes)
  Buffer.from(wanted, 'base64url').copy(known)
  return timingSafeEqual(found, known) && hash !== undefined
}

/** A token has as much chance in it as a key: nobody can try them all, so a plain digest will do. */
export function newToken(): string {
  return randomBytes(32).toString('base64url')
}

export function isTokenHash(text: string): boolean {
  return /^sha256:[0-9a-f]{64}$/.test(text)
}

/** `sha256:HEX` */
export function hashToken(token: string): string {
  return `sha256:${createHash('sha256').update(token).digest('hex')}`
}

/** Compares digests, in a time that tells nothing of them. */
export function isToken(token: string, hash: string): boolean {
  return timingSafeEqual(Buffer.from(hashToken(token)), Buffer.from(hash))
}

function derive(password: string, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // As it was typed on another keyboard: RFC 7613 has passwords in this form, too.
    scrypt(password.normalize('NFC'), salt, hashBytes, { ...cost, maxmem: memoryMax }, (error, hash) =>
      error === null ? resolve(hash) : reject(error),
    )
  })
}
