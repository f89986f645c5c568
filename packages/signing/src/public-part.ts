import { readPrivateKeys } from 'openpgp'
import { looksArmored, readArmor, writeArmor } from './armor.ts'
import { type KeyFile, publicKeyBytes } from './keyring.ts'
import { OpenPgpError } from './openpgp-error.ts'
import { PacketTag, readPackets } from './packets.ts'
import { SigningError } from './signing-error.ts'

/**
 * The public keys of a file that may as well be one of private keys; no passphrase is needed for that.
 *
 * @returns the file as it is where it holds no private key
 * @throws SigningError BAD_KEY where it holds one that cannot be read
 */
export async function publicPart({ name, bytes }: KeyFile): Promise<KeyFile> {
  const secret = privateBytes(bytes)
  if (secret === undefined) return { name, bytes }
  const keys = await readPrivateKeys({ binaryKeys: secret }).catch(() => {
    // Without the cause: who knows what a parser quotes.
    throw new SigningError('BAD_KEY', `${name} cannot be read as an OpenPGP private key: it was damaged or cut`)
  })
  const packets = Buffer.concat(keys.map((key) => key.toPublic().write()))
  return { name, bytes: Buffer.from(writeArmor(publicBlock, packets)) }
}

/** `undefined` where there are none. What cannot be read at all is said by whoever reads the keyring. */
function privateBytes(bytes: Uint8Array): Uint8Array | undefined {
  try {
    if (looksArmored(bytes)) {
      const blocks = readArmor(new TextDecoder().decode(bytes)).filter(({ kind }) => kind === 'PRIVATE KEY BLOCK')
      return blocks.length === 0 ? undefined : Buffer.concat(blocks.map((block) => block.bytes))
    }
    const [first] = readPackets(bytes, packetsMax)
    return first?.tag === PacketTag.secretKey ? bytes : undefined
  } catch (error) {
    if (!(error instanceof OpenPgpError)) throw error
    return undefined
  }
}

const packetsMax = 100_000

/**
 * A file of public keys as text, a block for each that it has.
 *
 * @throws SigningError BAD_KEYRING
 */
export function armorPublicKeys(file: KeyFile): string {
  const bytes = publicKeyBytes(file)
  if (!looksArmored(file.bytes)) return writeArmor(publicBlock, bytes)
  const blocks = readArmor(new TextDecoder().decode(file.bytes)).filter(({ kind }) => kind === publicBlock)
  return blocks.map((block) => writeArmor(publicBlock, block.bytes)).join('')
}

const publicBlock = 'PUBLIC KEY BLOCK'
