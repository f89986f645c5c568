/**
 * The page as a server has it; scripts/faces/status-page.test.ts is what a browser makes of it.
 */
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { statusPage } from '../src/status-page/page.ts'

const { html, styleHash, scriptHash, contentSecurityPolicy } = statusPage

test.each([
  ['style', styleHash],
  ['script', scriptHash],
])('its one %s has the digest that the policy names', (kind, hash) => {
  const found = [...html.matchAll(new RegExp(`<${kind}[^>]*>([\\s\\S]*?)</${kind}>`, 'g'))]
  expect(found).toHaveLength(1)
  const text = found[0]?.[1] ?? ''
  expect(text.length).toBeGreaterThan(1_000)
  expect(hash).toBe(`sha256-${createHash('sha256').update(text).digest('base64')}`)
  expect(contentSecurityPolicy).toContain(`${kind}-src '${hash}'`)
})

test('its policy lets it ask its own server, and nothing else', () => {
  expect(contentSecurityPolicy).toMatch(/^default-src 'none'; connect-src 'self'; /)
  expect(contentSecurityPolicy).not.toMatch(/unsafe|\*|https?:/)
})

test('makes no markup of text, has no style of an element, and is whole', () => {
  expect(html).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|\sstyle="|\son[a-z]+="/)
  expect(html).not.toMatch(/^(?:import|export) /m)
})
