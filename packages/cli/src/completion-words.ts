/**
 * What a shell has to know of a program to complete its command line: taken from the program itself, so that there is nothing to
 * keep up by hand.
 */
import type { Argument, Command, Option } from 'commander'

/** What may stand at a place. */
export type Completed =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'files' | 'directories' }
  /** Nothing that a shell could know. */
  | { readonly kind: 'anything' }

export interface OptionWords {
  /** `--queue`, `-q`. */
  readonly flags: readonly string[]
  readonly description: string
  /** `undefined`: it takes no value. */
  readonly value: (Completed & { readonly name: string }) | undefined
}

export interface ArgumentWords {
  readonly name: string
  readonly completed: Completed
  /** The last one, and any number of it. */
  readonly variadic: boolean
}

export interface CommandWords {
  /** From the program on: empty for the program itself. */
  readonly path: readonly string[]
  readonly description: string
  readonly options: readonly OptionWords[]
  readonly arguments: readonly ArgumentWords[]
  readonly commands: readonly CommandWords[]
}

export function wordsOf(command: Command, path: readonly string[] = []): CommandWords {
  const help = command.createHelp()
  const options = [...help.visibleOptions(command), ...help.visibleGlobalOptions(command)]
  const commands = help.visibleCommands(command)
  return {
    path,
    description: command.description(),
    options: uniqueBy(options, ({ long, short }) => long ?? short ?? '').map(optionWords),
    arguments: command.registeredArguments.map(argumentWords),
    // "help" is a command like the others, but has the others for its argument.
    commands: commands.map((one) =>
      one.name() === 'help' ? helpWords(one, path, commands) : wordsOf(one, [...path, one.name()]),
    ),
  }
}

/** Every command and those below it, the program first. */
export function flatten(command: CommandWords): CommandWords[] {
  return [command, ...command.commands.flatMap(flatten)]
}

function helpWords(help: Command, path: readonly string[], commands: readonly Command[]): CommandWords {
  const words = commands.map((one) => one.name())
  const argument = { name: 'command', completed: { kind: 'words', words }, variadic: false } as const
  return { ...wordsOf(help, [...path, help.name()]), options: [], arguments: [argument] }
}

function optionWords(option: Option): OptionWords {
  const flags = [option.long, option.short].filter((flag) => flag !== undefined)
  const { description } = option
  if (!option.required && !option.optional) return { flags, description, value: undefined }
  const name = /[<[]([^>\].]+)/.exec(option.flags)?.[1] ?? 'value'
  const value = { name, ...(choicesOf(option.argChoices) ?? optionPlaces[name.toLowerCase()] ?? anything) }
  return { flags, description, value }
}

function argumentWords(argument: Argument): ArgumentWords {
  const name = argument.name()
  const completed = choicesOf(argument.argChoices) ?? argumentPlaces[name.toLowerCase()] ?? anything
  return { name, completed, variadic: argument.variadic }
}

function choicesOf(choices: readonly string[] | undefined): Completed | undefined {
  return choices === undefined ? undefined : { kind: 'words', words: choices }
}

const anything: Completed = { kind: 'anything' }

/** By the names that help shows. An option's `<directory>` is one of the repository, its `<dir>` one of this machine. */
const optionPlaces: Readonly<Record<string, Completed>> = { file: { kind: 'files' }, dir: { kind: 'directories' } }

/** A repository may be a directory of this machine; of a bucket nobody here knows what is in it. */
const argumentPlaces: Readonly<Record<string, Completed>> = {
  repo: { kind: 'directories' },
  nevra: { kind: 'directories' },
  file: { kind: 'files' },
  file_or_name: { kind: 'files' },
}

function uniqueBy<T>(items: readonly T[], keyOf: (item: T) => string): T[] {
  const found = new Map<string, T>()
  for (const item of items) if (!found.has(keyOf(item))) found.set(keyOf(item), item)
  return [...found.values()]
}
