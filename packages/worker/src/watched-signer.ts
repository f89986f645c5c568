import type { OpenedSigner } from './signing-settings.ts'

/** A signer that remembers whether it has signed the last time: a worker whose key is over, or whose program fails, publishes nothing. */
export class WatchedSigner implements OpenedSigner {
  readonly publicKey: Uint8Array
  readonly #signer: OpenedSigner
  #fault: unknown

  constructor(signer: OpenedSigner) {
    this.publicKey = signer.publicKey
    this.#signer = signer
  }

  /** Why it did not sign the last time; `undefined`: it did. */
  get fault(): unknown {
    return this.#fault
  }

  async sign(bytes: Uint8Array): Promise<Uint8Array> {
    try {
      const signature = await this.#signer.sign(bytes)
      this.#fault = undefined
      return signature
    } catch (error) {
      this.#fault = error
      throw error
    }
  }

  verify(bytes: Uint8Array, signature: Uint8Array): Promise<boolean> {
    return this.#signer.verify(bytes, signature)
  }

  keys(): ReturnType<OpenedSigner['keys']> {
    return this.#signer.keys()
  }
}
