/**
 * Bits of the dependencies' flags (REQUIREFLAGS, PROVIDEFLAGS, …): rpm's `rpmsenseFlags` (include/rpm/rpmds.h). LESS,
 * GREATER and EQUAL together are the comparison, the rest says when or why.
 */
export const DependencyFlag = {
  LESS: 1 << 1,
  GREATER: 1 << 2,
  EQUAL: 1 << 3,
  POSTTRANS: 1 << 5,
  PREREQ: 1 << 6,
  PRETRANS: 1 << 7,
  INTERP: 1 << 8,
  SCRIPT_PRE: 1 << 9,
  SCRIPT_POST: 1 << 10,
  SCRIPT_PREUN: 1 << 11,
  SCRIPT_POSTUN: 1 << 12,
  SCRIPT_VERIFY: 1 << 13,
  FIND_REQUIRES: 1 << 14,
  FIND_PROVIDES: 1 << 15,
  TRIGGERIN: 1 << 16,
  TRIGGERUN: 1 << 17,
  TRIGGERPOSTUN: 1 << 18,
  MISSINGOK: 1 << 19,
  PREUNTRANS: 1 << 20,
  POSTUNTRANS: 1 << 21,
  RPMLIB: 1 << 24,
  TRIGGERPREIN: 1 << 25,
  KEYRING: 1 << 26,
  /** Of the weak dependencies before rpm 4.12 only (OLDSUGGESTS, OLDENHANCES): recommends, supplements. */
  STRONG: 1 << 27,
  CONFIG: 1 << 28,
  META: 1 << 29,
} as const

/** Bits of FILEFLAGS: rpm's `rpmfileAttrs` (include/rpm/rpmfiles.h). */
export const FileFlag = {
  CONFIG: 1 << 0,
  DOC: 1 << 1,
  ICON: 1 << 2,
  MISSINGOK: 1 << 3,
  NOREPLACE: 1 << 4,
  SPECFILE: 1 << 5,
  /** Belongs to the package but is not in its payload. */
  GHOST: 1 << 6,
  LICENSE: 1 << 7,
  README: 1 << 8,
  PUBKEY: 1 << 11,
  ARTIFACT: 1 << 12,
} as const
