import { type Html, html } from './html.ts'

/**
 * A description was wrapped for a terminal of 80 columns: its lines flow together again, except where they are a list or a drawing.
 */
export function prose(text: string): Html {
  const paragraphs = text.trim().split(/\n[\t ]*\n\s*/)
  return html`${paragraphs.map((paragraph) => (isLaidOut(paragraph) ? html`<p class="laid-out">${paragraph}</p>` : html`<p>${paragraph}</p>`))}`
}

function isLaidOut(paragraph: string): boolean {
  return /^(?:[\t ]|[-*•+o] |[0-9]+[.)] )/m.test(paragraph)
}
