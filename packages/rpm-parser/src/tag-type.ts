/** The types of tag data: rpm's `rpmTagType` (include/rpm/rpmtag.h). */
export const TagType = {
  CHAR: 1,
  INT8: 2,
  INT16: 3,
  INT32: 4,
  INT64: 5,
  /** One string that ends with NUL. */
  STRING: 6,
  /** Bytes; the count is their number. */
  BIN: 7,
  /** `count` strings, each ending with NUL. */
  STRING_ARRAY: 8,
  /** `count` strings, one for each locale of HEADERI18NTABLE, "C" first. */
  I18NSTRING: 9,
} as const

export type TagType = (typeof TagType)[keyof typeof TagType]

/** `undefined` where the number is no type (0, which rpm calls NULL, is none either). */
export function parseTagType(number: number): TagType | undefined {
  return typesByNumber[number]
}

/** Bytes of one item, which is also its alignment in the data area; 0 for strings, whose length only the data tells. */
export function itemBytes(type: TagType): 0 | 1 | 2 | 4 | 8 {
  return sizes[type]
}

export function isStringType(type: TagType): boolean {
  return sizes[type] === 0
}

const sizes = {
  [TagType.CHAR]: 1,
  [TagType.INT8]: 1,
  [TagType.INT16]: 2,
  [TagType.INT32]: 4,
  [TagType.INT64]: 8,
  [TagType.STRING]: 0,
  [TagType.BIN]: 1,
  [TagType.STRING_ARRAY]: 0,
  [TagType.I18NSTRING]: 0,
} as const

const typesByNumber: readonly (TagType | undefined)[] = [
  undefined,
  TagType.CHAR,
  TagType.INT8,
  TagType.INT16,
  TagType.INT32,
  TagType.INT64,
  TagType.STRING,
  TagType.BIN,
  TagType.STRING_ARRAY,
  TagType.I18NSTRING,
]
