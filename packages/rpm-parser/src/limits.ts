/** How large headers may be. Nothing is allocated or read for one that is larger. */
export interface HeaderLimits {
  /** Entries of the signature header. */
  readonly signatureEntriesMax: number
  /** Bytes of the signature header's data area. */
  readonly signatureDataBytesMax: number
  /** Entries of the main header. */
  readonly headerEntriesMax: number
  /** Bytes of the main header's data area. */
  readonly headerDataBytesMax: number
  /** Items of one tag that is not BIN; in effect the number of files. */
  readonly itemsMax: number
}

/**
 * rpm's own limits (lib/header.cc `hdrblobVerifyLengths`, `hdrblobInit`, `hdrchkArray`): what is larger cannot be installed
 * either. A reader with little memory sets `headerDataBytesMax` lower; real packages stay below some 40 MiB.
 */
export const rpmLimits: HeaderLimits = {
  signatureEntriesMax: 32,
  signatureDataBytesMax: 64 * 1024 * 1024,
  headerEntriesMax: 0xffff,
  // rpm: a data area below 2^28 bytes and the whole header below 256 MiB, index and its two counts included.
  headerDataBytesMax: 0x0fffffff,
  itemsMax: 0xfffff,
}

/** rpm's `headerMaxbytes`: index, data and the two counts together stay below this. */
export const headerBytesMax = 256 * 1024 * 1024
