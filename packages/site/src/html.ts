/**
 * HTML in which nothing but the program's own text is markup: what is put in is escaped, unless it was made here itself.
 */

/** Markup that was made by `html`, or vouched for. */
export class Html {
  readonly markup: string

  constructor(markup: string) {
    this.markup = markup
  }
}

/** `undefined` and `false` leave nothing behind. */
export type HtmlValue = Html | string | number | undefined | false | readonly HtmlValue[]

/** `` html`<b>${name}</b>` ``: good between tags, and in attributes that stand in double quotes. */
export function html(texts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  let markup = texts[0] ?? ''
  for (const [index, value] of values.entries()) markup += markupOf(value) + (texts[index + 1] ?? '')
  return new Html(markup)
}

function markupOf(value: HtmlValue): string {
  if (value === undefined || value === false) return ''
  if (typeof value === 'string') return escapeHtml(value)
  if (typeof value === 'number') return String(value)
  if (value instanceof Html) return value.markup
  return value.map(markupOf).join('')
}

export function escapeHtml(text: string): string {
  return text.replaceAll(unseen, '\ufffd').replaceAll(/[&<>"']/g, (character) => entities[character] ?? character)
}

/** Controls, and what turns the direction of the text around it: names come from packages, and should read as what they are. */
const unseen = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufeff]|\p{Surrogate}/gu

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Where a text is an address that a link may lead to: http and https only, whatever a package says. */
export function linkable(text: string): string | undefined {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return undefined
  const { protocol, href } = new URL(text)
  return protocol === 'http:' || protocol === 'https:' ? href : undefined
}
