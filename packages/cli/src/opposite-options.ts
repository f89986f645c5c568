import type { Command } from 'commander'

/** Refuses `--name` beside `--no-name`, which are one option to commander: it would go by the last of them. */
export function refuseOpposites(command: Command, names: readonly string[]): void {
  const given = new Set<string>()
  for (const name of names) {
    for (const [one, other] of [
      [name, `no-${name}`],
      [`no-${name}`, name],
    ] as const) {
      command.on(`option:${one}`, () => {
        given.add(one)
        if (given.has(other)) command.error(`error: option '--${one}' cannot be used with option '--${other}'`)
      })
    }
  }
}
