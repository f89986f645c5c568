/** Whether a text has a character that makes it a pattern. */
export function isGlob(text: string): boolean {
  return /[*?[]/.test(text)
}

/**
 * A shell's pattern as a regular expression for the whole text: `*` is any run of characters and `?` any one, neither a slash;
 * `[abc]`, `[a-z]` and `[!abc]` are one of (or none of) a set. A backslash takes the next character as it is; a `[` without
 * its `]` is itself (glob(7)).
 */
export function globExpression(pattern: string): RegExp {
  let source = ''
  for (let at = 0; at < pattern.length; at += 1) {
    const character = pattern.charAt(at)
    if (character === '*') {
      // A run of stars means one, and would make the search slow.
      if (!source.endsWith(anyRun)) source += anyRun
    } else if (character === '?') source += '[^/]'
    else if (character === '\\' && at + 1 < pattern.length) source += literal(pattern.charAt(++at))
    else if (character === '[') {
      const set = setAt(pattern, at)
      source += set?.source ?? '\\['
      at = set?.end ?? at
    } else source += literal(character)
  }
  return new RegExp(`^${source}$`, 's')
}

const anyRun = '[^/]*'

function literal(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|/-]/, '\\$&')
}

/** The set that begins with the bracket at `start`. A `]` in first place is a member. */
function setAt(pattern: string, start: number): { source: string; end: number } | undefined {
  const negated = pattern.charAt(start + 1) === '!' || pattern.charAt(start + 1) === '^'
  const first = start + (negated ? 2 : 1)
  const end = pattern.indexOf(']', first + 1)
  if (end === -1) return undefined
  const members = pattern.slice(first, end).replace(/[\\\]^[]/g, '\\$&')
  const source = `(?!/)[${negated ? '^' : ''}${members}]`
  try {
    new RegExp(source)
  } catch {
    // A range that runs backwards, `[z-a]`, matches nothing.
    return { source: '(?!)', end }
  }
  return { source, end }
}
