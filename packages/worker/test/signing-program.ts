/** A program that signs, as an operator has one: what it reads, by the key that is named, onto its output. */
import { buffer } from 'node:stream/consumers'
import { openKeySigner } from '@repokeeper/signing'

const [, , file = ''] = process.argv
const signer = await openKeySigner({ key: { file }, now: Date.now })
process.stdout.write(await signer.sign(await buffer(process.stdin)))
