const compiled = new Map<string, RegExp>()
const compiledMax = 1000

/** `*` stands for any characters, `/` and none included, `?` for exactly one: as in an IAM policy's Action and Resource. */
export function globMatches(pattern: string, text: string): boolean {
  let expression = compiled.get(pattern)
  if (expression === undefined) {
    const source = pattern
      .replace(/[\\^$.|+()[\]{}]/g, '\\$&')
      .replace(/\*+/g, '.*')
      .replaceAll('?', '.')
    expression = new RegExp(`^${source}$`, 'su')
    if (compiled.size >= compiledMax) compiled.clear()
    compiled.set(pattern, expression)
  }
  return expression.test(text)
}
