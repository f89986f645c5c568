/**
 * The face of a repository: metadata in, pages out. It stores nothing and asks nobody.
 */
export type { Row } from './row.ts'
export { generatorMark } from './shell.ts'
export { type SiteFile, siteFiles } from './site.ts'
export type { SitePackage } from './site-package.ts'
export { frontPath, isSitePath, isSuperseded } from './site-paths.ts'
export { planSite, type SitePlan, type Standing } from './site-plan.ts'
export { idOf, type SiteSettings } from './site-settings.ts'
export { templates } from './templates.ts'
