/** Parses an option that may be given several times: what it is given gathers. */
export function gather(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text]
}
