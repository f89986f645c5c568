/**
 * The face of a repository: metadata in, pages out. It stores nothing and asks nobody.
 */
export { isMarked, markBytesMax } from './marks.ts'
export type { Row } from './row.ts'
export { type SiteFile, siteFiles } from './site.ts'
export type { SitePackage } from './site-package.ts'
export { frontPath, isSitePath, repoFilePath } from './site-paths.ts'
export { planSite, type SitePlan, type Standing } from './site-plan.ts'
export { idOf, type SiteSettings } from './site-settings.ts'
export { templates } from './templates.ts'
