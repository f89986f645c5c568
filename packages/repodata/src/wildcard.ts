/**
 * Whether a pattern stands for a text: `*` is any run of characters, `?` any one of them, and all else is itself.
 *
 * Not by a regular expression: those of many stars take time in powers of the text's length. This one never goes back behind the star that
 * it met last, so that it takes steps in proportion to the two lengths multiplied at most.
 */
export function matchesWildcard(pattern: string, text: string): boolean {
  let [inPattern, inText] = [0, 0]
  /** Behind the last star: where the pattern, and where the text goes on when what follows the star does not fit. */
  let again: { readonly pattern: number; text: number } | undefined
  while (inText < text.length) {
    const wanted = pattern[inPattern]
    if (wanted === '*') {
      inPattern += 1
      again = { pattern: inPattern, text: inText }
    } else if (wanted === '?' || wanted === text[inText]) {
      inPattern += 1
      inText += 1
    } else if (again !== undefined) {
      again.text += 1
      inPattern = again.pattern
      inText = again.text
    } else return false
  }
  while (pattern[inPattern] === '*') inPattern += 1
  return inPattern === pattern.length
}
