/** A number of things, for people: `1 package`, `2 packages`; with `key is`, `keys are`: `1 key is`, `2 keys are`. */
export function count(number: number, singular: string, plural = `${singular}s`): string {
  return `${number} ${number === 1 ? singular : plural}`
}
