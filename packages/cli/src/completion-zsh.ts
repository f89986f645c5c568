import { type CommandWords, type Completed, flatten, type OptionWords } from './completion-words.ts'

/** A script for zsh: to be sourced, or a file `_repokeeper` on $fpath. A function for each command, in the words of _arguments. */
export function zshCompletion(programs: Readonly<Record<string, CommandWords>>): string {
  const names = Object.keys(programs)
  const functions = Object.entries(programs).flatMap(([name, program]) =>
    flatten(program).map((command) => functionOf(name, command)),
  )
  return `#compdef ${names.join(' ')}
# zsh completion, made by "repokeeper completion zsh" from the program itself
${functions.join('\n')}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  "_\${service:-repokeeper}" "$@"
else
${names.map((name) => `  compdef ${functionName(name, [])} ${name}`).join('\n')}
fi
`
}

function functionOf(name: string, { path, options, arguments: args, commands }: CommandWords): string {
  const specs = [
    ...options.map(optionSpec),
    ...args.map(({ name, completed, variadic }, index) => {
      const place = variadic ? '*' : String(index + 1)
      return quoted(`${place}:${escaped(name)}:${action(completed)}`)
    }),
  ]
  const body = commands.length === 0 ? flat(specs) : dispatch(name, specs, commands)
  return `${functionName(name, path)}() {\n${body}}\n`
}

function flat(specs: readonly string[]): string {
  return `  _arguments -s -S ${specs.map((spec) => `\\\n    ${spec}`).join(' ')}\n`
}

function dispatch(name: string, specs: readonly string[], commands: readonly CommandWords[]): string {
  const described = commands.map(({ path, description }) => `      ${quoted(`${path.at(-1)}:${description}`)}`)
  const cases = commands.map(({ path }) => `        ${path.at(-1)}) ${functionName(name, path)} ;;`)
  return `  local curcontext="$curcontext" state line
  typeset -A opt_args
  _arguments -s -S -C ${specs.map((spec) => `\\\n    ${spec}`).join(' ')} \\
    '1: :->command' '*:: :->rest'
  case $state in
    command)
      local -a commands
      commands=(
${described.join('\n')}
      )
      _describe command commands
      ;;
    rest)
      case $words[1] in
${cases.join('\n')}
      esac
      ;;
  esac
`
}

/** `'*'{--queue,-q}'[a queue of it]:queue: '`: each may be given again, for nobody here knows which are gathered. */
function optionSpec({ flags, description, value }: OptionWords): string {
  const names = flags.length === 1 ? (flags[0] ?? '') : `{${flags.join(',')}}`
  const what = `[${escaped(description)}]`
  return `'*'${names}${quoted(value === undefined ? what : `${what}:${escaped(value.name)}:${action(value)}`)}`
}

function action(completed: Completed): string {
  switch (completed.kind) {
    case 'words':
      return `(${completed.words.join(' ')})`
    case 'files':
      return '_files'
    case 'directories':
      return '_files -/'
    case 'anything':
      return ' '
  }
}

function functionName(program: string, path: readonly string[]): string {
  return ['', program, ...path].join('_')
}

/** As _arguments wants descriptions. */
function escaped(text: string): string {
  return text.replace(/[\\[\]:]/g, '\\$&')
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
