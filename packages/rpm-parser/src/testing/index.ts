/**
 * For tests and benchmarks: builds valid packages from a few words about them, thousands a second. Nothing that runs in
 * production imports this.
 */
export { buildPackage } from './build-package.ts'
export { encodeHeader } from './encode-header.ts'
export type { ChangelogSpec, DependencySpec, FileSpec, PackageSpec } from './package-spec.ts'
export {
  binary,
  chars,
  i18nString,
  int8,
  int16,
  int32,
  int64,
  string,
  strings,
  type TagValue,
  type Text,
} from './tag-value.ts'
