import * as z from 'zod'
import { flag } from './option-values.ts'

/** The worker's options of signing, in the order in which they are told. */
export const signingOptions = {
  signKey: z.string().min(1).optional().meta({
    description:
      'private key that signs repomd.xml: a file, or env:VARIABLE, secretsmanager:SECRET, ssm:PARAMETER; without it a signed repository is not published to',
    placeholder: 'SOURCE',
  }),
  signPassphrase: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'of the private key, from such a source', placeholder: 'SOURCE' }),
  signCommand: z.string().min(1).optional().meta({
    description:
      'a line for the shell that signs instead: it reads repomd.xml and prints an armored detached signature; needs --sign-public-key',
    placeholder: 'LINE',
  }),
  signPublicKey: z.string().min(1).optional().meta({
    description: 'file with the public key that lies beside the metadata, and with others that clients are to learn of',
    placeholder: 'FILE',
  }),
  signNextKey: z.string().min(1).optional().meta({
    description: 'private key that follows: until then only its public key is published',
    placeholder: 'SOURCE',
  }),
  signNextCommand: z.string().min(1).optional().meta({
    description: 'a line for the shell that follows, as of --sign-command; needs --sign-next-public-key',
    placeholder: 'LINE',
  }),
  signNextPublicKey: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'file with the public key of the line that follows', placeholder: 'FILE' }),
  signNextFrom: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'from when on it signs, such as 2027-01-31', placeholder: 'DATE' }),
  unsigned: flag().default(false).meta({
    description: 'publish without a signature, and take away one that is there',
  }),
}
