/** The source no longer has what it named, or another run is at work here: everything is to be looked at again. */
export class MovedOn extends Error {
  readonly who: 'source' | 'another run'

  constructor(who: MovedOn['who'], message: string) {
    super(message)
    this.who = who
  }
}

export function anotherRun(): MovedOn {
  return new MovedOn('another run', 'another run is at work here')
}
