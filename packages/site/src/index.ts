/**
 * The face of a repository: metadata in, pages out. It stores nothing and asks nobody.
 */
export { generatorMark } from './shell.ts'
export { type SiteContents, type SiteFile, siteFiles } from './site.ts'
export type { SitePackage } from './site-package.ts'
export { frontPath, isSitePath, isSuperseded } from './site-paths.ts'
export { idOf, type SiteSettings } from './site-settings.ts'
