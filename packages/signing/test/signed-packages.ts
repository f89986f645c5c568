/** Keys of every kind and fate, and packages signed with them by rpmsign. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { GpgHome } from '../../../fixtures/gpg-home.ts'

export const plainPackage: Uint8Array = Uint8Array.from(
  await readFile(join(import.meta.dirname, '..', '..', '..', 'fixtures', 'rpms', 'hello-repokeeper-1.0-1.noarch.rpm')),
)

/** When packages are signed that no other day is said of, and the day on which tests look at them. */
export const signingDay = '20250601T000000'
export const today = Date.UTC(2026, 0, 1)

export interface KeyShop {
  readonly home: GpgHome
  /** Fingerprints. */
  readonly fingerprints: Readonly<Record<KeyName, string>>
  /** Armored public keys, a block each, of all but the stranger. */
  readonly publicKeys: readonly string[]
}

type KeyName = 'rsa2048' | 'rsa4096' | 'ed25519' | 'dsa2048' | 'dsa1024' | 'p256' | 'subkey' | 'stranger' | Fate
type Fate = 'expired' | 'stolen' | 'retired'

const bornAt = '20200101T000000'

export async function openKeyShop(): Promise<KeyShop> {
  const home = await GpgHome.open()
  const make = (name: KeyName, kind: string, expires = 'never') =>
    home.makeKey({ userId: `${name} <${name}@example.com>`, kind, expires, at: bornAt })
  const fingerprints = {
    rsa2048: await make('rsa2048', 'rsa2048'),
    rsa4096: await make('rsa4096', 'rsa4096'),
    ed25519: await make('ed25519', 'ed25519'),
    dsa2048: await make('dsa2048', 'dsa2048'),
    dsa1024: await make('dsa1024', 'dsa1024'),
    p256: await make('p256', 'nistp256'),
    subkey: await home.makeKey({ userId: 'subkey <subkey@example.com>', kind: 'rsa2048', usage: 'cert', at: bornAt }),
    stranger: await make('stranger', 'ed25519'),
    expired: await make('expired', 'ed25519', '1y'),
    stolen: await make('stolen', 'ed25519'),
    retired: await make('retired', 'ed25519'),
  }
  await home.gpg(['--quick-add-key', fingerprints.subkey, 'rsa2048', 'sign', 'never'], { at: bornAt })
  const publicKeys: string[] = []
  for (const name of ['rsa2048', 'rsa4096', 'ed25519', 'dsa2048', 'dsa1024', 'p256', 'subkey', 'expired'] as const) {
    publicKeys.push(await home.exportPublic(fingerprints[name]))
  }
  // gpg itself signs with none of these: what follows is known to it, and not to the keyring, or the other way round.
  await home.gpg(['--quick-set-expire', fingerprints.expired, '20y'], { at: '20200102T000000' })
  publicKeys.push(await revoked(home, fingerprints.stolen, 'stolen'))
  publicKeys.push(await revoked(home, fingerprints.retired, 'retired'))
  return { home, fingerprints, publicKeys }
}

/** The public key, revoked on the first day of 2023; gpg's own copy stays as it is. */
export async function revoked(home: GpgHome, fingerprint: string, fate: 'stolen' | 'retired'): Promise<string> {
  const other = await GpgHome.open()
  try {
    await other.gpg(['--import'], { input: Buffer.from(await home.exportSecret(fingerprint)) })
    await other.gpg(['--import'], { input: await other.revocation(fingerprint, fate, '20230101T000000') })
    return await other.exportPublic(fingerprint)
  } finally {
    await other.close()
  }
}
