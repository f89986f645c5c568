/** Whoever asks may be slow, broken or hostile. */
export interface DoorLimits {
  /** Open at the same time; more are closed at once. */
  readonly connectionsMax: number
  /** Of answers that wait to be read, all together; a listing has up to sixteen million. */
  readonly answerCharactersMax: number
  /** A request line and its headers. */
  readonly headerBytesMax: number
  readonly headersMs: number
  /** Between two requests. */
  readonly keepAliveMs: number
  /** Nothing came and nothing could be sent for so long. What is done between the two, the store has limits for. */
  readonly silenceMs: number
  /** The rest of a body that is not wanted is passed over for so long: who is cut off while it sends does not hear why. */
  readonly lingerMs: number
  /** What is under way when the door is closed may go on for so long. */
  readonly closingMs: number
}

export const usualLimits: DoorLimits = {
  connectionsMax: 512,
  answerCharactersMax: 128 * 2 ** 20,
  headerBytesMax: 16_384,
  headersMs: 10_000,
  keepAliveMs: 15_000,
  silenceMs: 60_000,
  lingerMs: 5_000,
  closingMs: 10_000,
}
