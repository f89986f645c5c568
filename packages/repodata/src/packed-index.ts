/**
 * What a primary that is read whole lists, packed into few buffers: all of it has to be found again, and next to nothing is looked at. As
 * objects the packages of a large repository would be most of the heap, which the collector marks over and over while documents pass.
 */
import type { PrimaryFacts } from './entry-facts.ts'
import type { ChecksumType, PkgId } from './identity.ts'
import { compareListed, decodedPathOf, type ListedPackage, type PackageLookup, pathOf } from './package-index.ts'

export class PackedIndex implements PackageLookup {
  readonly #texts: PackedTexts
  /** Ordinals in the order of the locations; `undefined` where the entries lie in it: this project wrote them, or it fell so. */
  readonly #order: Uint32Array | undefined
  /** Ordinals of the packages whose href is not their path, and of those whose href might be encoded. */
  readonly #byPath: ReadonlyMap<string, readonly number[]>
  readonly #byDecodedPath: ReadonlyMap<string, readonly number[]>

  private constructor(
    texts: PackedTexts,
    order: Uint32Array | undefined,
    byPath: ReadonlyMap<string, readonly number[]>,
    byDecodedPath: ReadonlyMap<string, readonly number[]>,
  ) {
    this.#texts = texts
    this.#order = order
    this.#byPath = byPath
    this.#byDecodedPath = byDecodedPath
  }

  /** @param packages in the order of the entries, whose ordinals they have */
  static async of(packages: Iterable<ListedPackage> | AsyncIterable<ListedPackage>): Promise<PackedIndex> {
    const texts = new PackedTexts()
    const byPath = new Map<string, number[]>()
    const byDecodedPath = new Map<string, number[]>()
    let inOrder = true
    let before: ListedPackage | undefined
    for await (const listed of packages) {
      inOrder &&= before === undefined || compareListed(before, listed) <= 0
      before = listed
      texts.append(placeText(listed), factsText(listed))
      const path = pathOf(listed)
      if (path !== listed.href) note(byPath, path, listed.ordinal)
      note(byDecodedPath, decodedPathOf(listed), listed.ordinal)
    }
    const order = inOrder ? undefined : Uint32Array.from({ length: texts.count }, (_, ordinal) => ordinal)
    order?.sort((a, b) => texts.compareFirst(a, b) || a - b)
    return new PackedIndex(texts, order, byPath, byDecodedPath)
  }

  get count(): number {
    return this.#texts.count
  }

  get inOrder(): boolean {
    return this.#order === undefined
  }

  at(path: string): readonly ListedPackage[] {
    const ordinals = [...this.#withPlace(path), ...(this.#byPath.get(path) ?? [])].sort((a, b) => a - b)
    return ordinals.map((ordinal) => this.package(ordinal)).filter((listed) => pathOf(listed) === path)
  }

  atDecoded(path: string): readonly ListedPackage[] {
    return (this.#byDecodedPath.get(path) ?? []).map((ordinal) => this.package(ordinal))
  }

  /** @param ordinal one that is less than `count` */
  package(ordinal: number): ListedPackage {
    return parsePackage(this.#texts.at(ordinal), ordinal)
  }

  /** In the order of the entries. */
  *packages(): Generator<ListedPackage> {
    for (let ordinal = 0; ordinal < this.count; ordinal += 1) yield this.package(ordinal)
  }

  /** In the order of the locations, and where two packages have one, of the bases they lie below. */
  *inOrderOfLocations(): Generator<ListedPackage> {
    for (let position = 0; position < this.count; position += 1) yield this.package(this.#ordinalAt(position))
  }

  /** Ordinals of the packages with this href and no base. */
  *#withPlace(href: string): Generator<number> {
    const place = Buffer.from(placeText({ href }))
    let low = 0
    let above = this.count
    while (low < above) {
      const middle = (low + above) >>> 1
      if (this.#texts.compareFirstTo(this.#ordinalAt(middle), place) < 0) low = middle + 1
      else above = middle
    }
    for (; low < this.count && this.#texts.compareFirstTo(this.#ordinalAt(low), place) === 0; low += 1)
      yield this.#ordinalAt(low)
  }

  #ordinalAt(position: number): number {
    return this.#order?.[position] ?? position
  }
}

function note(groups: Map<string, number[]>, key: string | undefined, ordinal: number): void {
  if (key === undefined) return
  const group = groups.get(key)
  if (group === undefined) groups.set(key, [ordinal])
  else group.push(ordinal)
}

/** Ends each field: less than any character, so that places as bytes are in the order of `compareListed`, and none of XML's. */
const end = '\0'

function placeText({ href, base }: Pick<PrimaryFacts, 'href' | 'base'>): string {
  return `${href}${end}${base ?? ''}${end}`
}

function factsText(facts: PrimaryFacts): string {
  const { pkgid, checksumType, name, epoch, version, release, arch, size, modified } = facts
  return [pkgid, checksumType, name, epoch, version, release, arch, size ?? '', modified ?? ''].join(end)
}

function parsePackage(text: string, ordinal: number): ListedPackage {
  const [
    href = '',
    base,
    pkgid,
    checksumType,
    name = '',
    epoch = '',
    version = '',
    release = '',
    arch = '',
    ...numbers
  ] = text.split(end)
  const [size, modified] = numbers
  return {
    pkgid: pkgid as PkgId,
    checksumType: checksumType as ChecksumType,
    href,
    ...(base === undefined || base === '' ? {} : { base }),
    name,
    epoch,
    version,
    release,
    arch,
    size: size === undefined || size === '' ? undefined : Number(size),
    modified: modified === undefined || modified === '' ? undefined : Number(modified),
    ordinal,
  }
}

/** Pairs of texts as UTF-8, one behind the other. */
class PackedTexts {
  readonly #buffers: Buffer[] = []
  /** By the number of the pair: its buffer, its first byte there, the first one of its second text, and the first one behind it. */
  readonly #bufferOf: number[] = []
  readonly #starts: number[] = []
  readonly #seconds: number[] = []
  readonly #ends: number[] = []
  #used = 0

  get count(): number {
    return this.#starts.length
  }

  append(first: string, second: string): void {
    const bytesMax = utf8BytesMax * (first.length + second.length)
    let buffer = this.#buffers.at(-1)
    if (buffer === undefined || this.#used + bytesMax > buffer.length) {
      buffer = Buffer.allocUnsafeSlow(Math.max(bytesMax, packedBytes))
      this.#buffers.push(buffer)
      this.#used = 0
    }
    this.#bufferOf.push(this.#buffers.length - 1)
    this.#starts.push(this.#used)
    this.#used += buffer.write(first, this.#used)
    this.#seconds.push(this.#used)
    this.#used += buffer.write(second, this.#used)
    this.#ends.push(this.#used)
  }

  /** Both texts, one behind the other. */
  at(number: number): string {
    return this.#buffer(number).toString('utf8', this.#starts[number], this.#ends[number])
  }

  compareFirst(a: number, b: number): number {
    return this.compareFirstTo(a, this.#buffer(b).subarray(this.#starts[b], this.#seconds[b]))
  }

  compareFirstTo(number: number, bytes: Buffer): number {
    return this.#buffer(number).compare(bytes, 0, bytes.length, this.#starts[number], this.#seconds[number])
  }

  #buffer(number: number): Buffer {
    const buffer = this.#buffers[this.#bufferOf[number] ?? -1]
    if (buffer === undefined) throw new RangeError(`there is no text ${number}`)
    return buffer
  }
}

const packedBytes = 2 ** 20
/** Of one UTF-16 code unit. */
const utf8BytesMax = 3
