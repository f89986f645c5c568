/** The text, or its beginning and an ellipsis where it is longer than so many UTF-16 code units. */
export function cutText(text: string, charactersMax: number): string {
  return text.length > charactersMax ? `${text.slice(0, charactersMax)}…` : text
}
