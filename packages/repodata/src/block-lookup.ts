/**
 * Finds the listed packages of a document by its blocks: a location lies in one block, and no other is read.
 */
import { brokenTable } from './block-container.ts'
import type { Block } from './block-table.ts'
import type { BlockedDocument } from './blocked-document.ts'
import { readPrimaryFacts } from './entry-facts.ts'
import { compareLocations } from './identity.ts'
import type { ListedPackage, PackageLookup } from './package-index.ts'

/** Blocks whose packages are remembered: some 400 of them each, a few hundred bytes a package. */
const rememberedBlocks = 32

export class BlockLookup implements PackageLookup {
  readonly primary: BlockedDocument
  readonly #readWhole: () => Promise<PackageLookup>
  /** Once for all who ask: it is all of the document. */
  #whole: Promise<PackageLookup> | undefined
  /** Every package is found by its location alone. */
  readonly #isRegular: boolean
  /** How many packages come before each block. */
  readonly #ordinals: readonly number[]
  /** The least recently asked for first. */
  readonly #remembered = new Map<number, Promise<readonly ListedPackage[]>>()

  /** @param readWhole for a document with packages that no location finds */
  constructor(primary: BlockedDocument, readWhole: () => Promise<PackageLookup>) {
    this.primary = primary
    this.#readWhole = readWhole
    const { blocks } = primary.table
    this.#isRegular = blocks.every(({ irregular }) => irregular === 0)
    const ordinals: number[] = []
    let packages = 0
    for (const block of blocks) {
      ordinals.push(packages)
      packages += block.packages
    }
    this.#ordinals = ordinals
  }

  get count(): number {
    return this.primary.packages
  }

  async at(path: string): Promise<readonly ListedPackage[]> {
    if (!this.#isRegular) return (await this.#all()).at(path)
    const found: ListedPackage[] = []
    const { blocks } = this.primary.table
    for (let block = this.blockOf(path); block >= 0; block -= 1) {
      found.unshift(...(await this.packagesIn(block)).filter(({ href }) => href === path))
      // Where it is the first of a block, the one before may end with it, too.
      if (blocks[block]?.firstLocation !== path) break
    }
    return found
  }

  async atDecoded(path: string): Promise<readonly ListedPackage[]> {
    return this.#isRegular ? [] : (await this.#all()).atDecoded(path)
  }

  #all(): Promise<PackageLookup> {
    this.#whole ??= this.#readWhole()
    return this.#whole
  }

  /** The last block that begins at or before this location; 0 where none does, -1 where there is none at all. */
  blockOf(location: string): number {
    const { blocks } = this.primary.table
    return Math.max(lastAtOrBefore(blocks, location), blocks.length === 0 ? -1 : 0)
  }

  /** The block in which the package with this ordinal lies. */
  blockOfOrdinal(ordinal: number): number {
    let block = 0
    let above = this.#ordinals.length
    while (above - block > 1) {
      const middle = (block + above) >>> 1
      if ((this.#ordinals[middle] ?? 0) <= ordinal) block = middle
      else above = middle
    }
    return block
  }

  /** @throws DocumentError where the block cannot be read */
  packagesIn(block: number): Promise<readonly ListedPackage[]> {
    const known = this.#remembered.get(block)
    this.#remembered.delete(block)
    const packages = known ?? this.#read(block)
    this.#remembered.set(block, packages)
    for (const oldest of this.#remembered.keys()) {
      if (this.#remembered.size <= rememberedBlocks) break
      this.#remembered.delete(oldest)
    }
    return packages
  }

  async #read(block: number): Promise<readonly ListedPackage[]> {
    const packages: ListedPackage[] = []
    let ordinal = this.#ordinals[block] ?? 0
    let before = this.primary.table.blocks[block]?.firstLocation
    for await (const entry of this.primary.entries(block, 1)) {
      const facts = readPrimaryFacts(entry)
      const isInPlace = packages.length === 0 ? facts.href === before : isInOrder(before, facts.href)
      // Else a package would be sought where it is not, and listed twice.
      if (!isInPlace) throw brokenTable()
      packages.push({ ...facts, ordinal })
      before = facts.href
      ordinal += 1
    }
    if (!isInOrder(before, this.primary.table.blocks[block + 1]?.firstLocation)) throw brokenTable()
    return packages
  }
}

/** `undefined` is the end, on either side. */
function isInOrder(location: string | undefined, next: string | undefined): boolean {
  return location === undefined || next === undefined || compareLocations(location, next) <= 0
}

function lastAtOrBefore(blocks: readonly Block[], location: string): number {
  let low = -1
  let above = blocks.length
  while (above - low > 1) {
    const middle = (low + above) >>> 1
    if (compareLocations(blocks[middle]?.firstLocation ?? '', location) <= 0) low = middle
    else above = middle
  }
  return low
}
