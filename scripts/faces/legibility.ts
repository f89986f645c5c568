/**
 * What a reader of a page can't do without: contrast, and no scrolling to the side.
 */
import type { Page } from 'playwright-core'

export interface FaintText {
  readonly text: string
  /** As WCAG 2.2 computes it, 1 to 21. */
  readonly contrast: number
  readonly needed: number
}

/** Texts that are seen and have less contrast than WCAG AA asks for (1.4.3): 4.5, and 3 where they are large. */
export function faintTexts(page: Page): Promise<FaintText[]> {
  return page.evaluate(findFaintTexts)
}

/** By how many CSS pixels the page is wider than its window. */
export function overflowOf(page: Page): Promise<number> {
  return page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
}

/** Runs in the page: text, for the types of a browser are not those of the project. */
const findFaintTexts = `(() => {
  const parse = (color) => {
    const [red = 0, green = 0, blue = 0, alpha = 1] = (color.match(/[0-9.]+/g) ?? []).map(Number)
    return { rgb: [red, green, blue], alpha }
  }
  const over = (front, alpha, back) => front.map((part, index) => part * alpha + back[index] * (1 - alpha))
  const luminance = (rgb) => {
    const [red, green, blue] = rgb.map((part) => {
      const share = part / 255
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  const backgroundOf = (element) => {
    if (element === null) return [255, 255, 255]
    const { rgb, alpha } = parse(getComputedStyle(element).backgroundColor)
    return alpha === 1 ? rgb : over(rgb, alpha, backgroundOf(element.parentElement))
  }
  const found = []
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) {
    const { parentElement: element, textContent: text } = walker.currentNode
    if (text.trim() === '' || !element.checkVisibility() || ['SCRIPT', 'STYLE'].includes(element.tagName)) continue
    const style = getComputedStyle(element)
    const back = backgroundOf(element)
    const color = parse(element instanceof SVGElement ? style.fill : style.color)
    const [a, b] = [luminance(over(color.rgb, color.alpha, back)), luminance(back)]
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
    const size = parseFloat(style.fontSize)
    const needed = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5
    if (contrast < needed) found.push({ text: text.trim().slice(0, 60), contrast, needed })
  }
  return found
})()`
