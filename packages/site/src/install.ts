/**
 * How to install: what a person copies into a file or a shell.
 */
import { type Html, html } from './html.ts'
import { repoFileMark } from './marks.ts'
import { hrefOf, repoFilePath } from './site-paths.ts'
import type { SiteSettings } from './site-settings.ts'

/** Where nobody has said where clients find the repository. The site's script puts in where the page itself was found. */
const unknownBaseUrl = 'https://YOUR-SERVER/'

/** The `.repo` file; `undefined` where it would lead nowhere. */
export function formatRepoFile(settings: SiteSettings): Buffer | undefined {
  if (settings.baseUrl === undefined) return undefined
  const [, ...lines] = repoLines(settings, settings.baseUrl)
  return Buffer.from(`${repoFileMark(settings.id)}${lines.join('\n')}\n`)
}

/** Of the front page: the repository, once. */
export function repositorySection(settings: SiteSettings): Html {
  const { id, baseUrl, gpgKey, isSigned = false } = settings
  const gpg = gpgKey === undefined && !isSigned ? ' --no-gpgcheck' : ''
  const [before = '', ...parts] = repoLines(settings, '\0').join('\n').split('\0')
  const lines = parts.reduce((text, part) => html`${text}${placeOf(baseUrl)}${part}`, html`${before}`)
  const file = repoFilePath(id)
  return html`<section class="install" aria-labelledby="install">
<h2 id="install" tabindex="-1">Use this repository</h2>
<p>With dnf or yum, put this into <code>/etc/yum.repos.d/${file}</code>${
    baseUrl !== undefined && html` (<a href="${hrefOf(file)}" download>download</a>)`
  }:</p>
${codeBlock(lines)}
<p>With zypper:</p>
${codeBlock(html`sudo zypper addrepo --refresh${gpg} ${placeOf(baseUrl)} ${id}`)}
</section>`
}

/** Of the page of a package. Nothing where a shell could take the name for something else. */
export function installSection(name: string): Html {
  if (name.startsWith('-')) return html``
  const word = shellWord(name)
  return html`<div class="commands">${codeBlock(html`sudo dnf install ${word}`)}${codeBlock(html`sudo zypper install ${word}`)}</div>`
}

function repoLines(settings: SiteSettings, baseUrl: string): string[] {
  const { id, title, gpgKey, isSigned = false, hasMirrorlist = false } = settings
  const keys = [...(gpgKey === undefined ? [] : [gpgKey]), ...(isSigned ? [`${baseUrl}repodata/repomd.xml.key`] : [])]
  return [
    `[${id}]`,
    `name=${title.replaceAll(/[\u0000-\u001f\u007f]+/g, ' ')}`,
    hasMirrorlist ? `mirrorlist=${baseUrl}mirrorlist` : `baseurl=${baseUrl}`,
    'enabled=1',
    `gpgcheck=${gpgKey === undefined ? 0 : 1}`,
    ...(isSigned ? ['repo_gpgcheck=1'] : []),
    ...(keys.length === 0 ? [] : [`gpgkey=${keys.join(' ')}`]),
  ]
}

function placeOf(baseUrl: string | undefined): Html {
  return baseUrl === undefined ? html`<span data-base>${unknownBaseUrl}</span>` : html`${baseUrl}`
}

function codeBlock(code: Html): Html {
  return html`<div class="code"><pre tabindex="0"><code>${code}</code></pre></div>`
}

/** sh(1): what is none of these characters stands in single quotes. */
function shellWord(text: string): string {
  return /^[A-Za-z0-9%+,./:=@_-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
