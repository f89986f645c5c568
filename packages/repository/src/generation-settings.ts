/**
 * Whether each generation is also published below a path of its own, and under which URL clients reach it.
 */
import type { RepositoryRoot } from './roots.ts'

export type Generations =
  /** `url` is that of the repository; `{path}` in it stands for the repository's directory in its bucket. */
  | { readonly kind: 'published'; readonly url: string }
  /** Nobody has said anything: a repository that has a mirrorlist of ours goes on to have one, under the URL that stands in it. */
  | { readonly kind: 'as found' }

/** With a `/` at its end. */
export function generationsUrl(template: string, root: RepositoryRoot): string {
  const path = root.split('/').map(encodeURIComponent).join('/')
  // The root of the bucket has no directory, and no slash after it.
  const url = template.replaceAll('{path}/', path).replaceAll('{path}', path.replace(/\/$/, ''))
  return url.endsWith('/') ? url : `${url}/`
}

/** What cannot be meant, as a sentence; `undefined` where it can. @param severalRepositories whether it is for more than one */
export function wrongGenerationsUrl(template: string, severalRepositories: boolean): string | undefined {
  const sample = template.replaceAll('{path}', 'el9/x86_64')
  const url = URL.canParse(sample) ? new URL(sample) : undefined
  const isUsable =
    url !== undefined && ['http:', 'https:'].includes(url.protocol) && url.search === '' && url.hash === ''
  if (!isUsable || /[\s{}]/.test(sample)) {
    return `--generations-url ${template}: expected the URL under which clients reach the repository, such as https://packages.example.com/{path}/`
  }
  if (severalRepositories && !template.includes('{path}')) {
    return `--generations-url ${template} is the URL of one repository, and there may be several: let {path} stand for the directory of each`
  }
  return undefined
}
