import { type CommandWords, type Completed, flatten } from './completion-words.ts'

/**
 * A script for bash, from 3.2 (macOS) on. What the program knows is in three functions, which are asked for a command ("add",
 * "dead-letters list"); how a line is completed is the same for every program.
 */
export function bashCompletion(programs: Readonly<Record<string, CommandWords>>): string {
  return `# bash completion, made by "repokeeper completion bash" from the program itself
${Object.entries(programs).map(tables).join('')}${walker}
complete -F _repokeeper_complete ${Object.keys(programs).join(' ')}
`
}

/**
 * `_repokeeper_words PROGRAM COMMAND WHAT` says, a word a line: WHAT is `commands`, `options`, `value OPTION` or `argument NUMBER`.
 * Of a value and an argument the first line says what it is: `words`, `files`, `directories` or `anything`; nothing: there is none.
 */
function tables([name, program]: [string, CommandWords]): string {
  const cases = flatten(program).flatMap(({ path, commands, options, arguments: args }) => {
    const command = path.join(' ')
    const values = options.flatMap(({ flags, value }) =>
      value === undefined ? [] : flags.map((flag) => entry(`${command}:value ${flag}`, linesOf(value))),
    )
    return [
      entry(
        `${command}:commands`,
        commands.flatMap(({ path }) => path.at(-1) ?? []),
      ),
      entry(
        `${command}:options`,
        options.flatMap(({ flags }) => flags),
      ),
      ...values,
      ...args.map(({ variadic, completed }, index) =>
        entry(`${command}:argument ${variadic ? '*' : index}`, linesOf(completed)),
      ),
    ]
  })
  return `_repokeeper_words_${name}() {\n  case "$1:$2" in\n${cases.join('')}  esac\n}\n`
}

function entry(pattern: string, lines: readonly string[]): string {
  if (lines.length === 0) return ''
  const [, fixed = pattern, star = ''] = /^(.*?)(\*?)$/.exec(pattern) ?? []
  return `    ${quoted(fixed)}${star}) printf '%s\\n' ${lines.map(quoted).join(' ')} ;;\n`
}

function linesOf(completed: Completed): string[] {
  return completed.kind === 'words' ? ['words', ...completed.words] : [completed.kind]
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

const walker = `
_repokeeper_complete() {
  local program=\${1##*/} command='' positional=0 ended='' previous='' current word index kind line
  COMPREPLY=()
  # Bash takes "--queue=x" for three words.
  current=\${COMP_WORDS[COMP_CWORD]}
  index=1
  while (( index < COMP_CWORD )); do
    word=\${COMP_WORDS[index]}
    if [[ -n $ended ]]; then
      (( positional += 1 ))
    elif [[ $word == -- ]]; then
      ended=1
    elif [[ $word == -* ]]; then
      if [[ -n $("_repokeeper_words_$program" "$command" "value $word") ]]; then
        [[ \${COMP_WORDS[index + 1]} == '=' ]] && (( index += 1 ))
        (( index += 1 ))
        (( index >= COMP_CWORD )) && previous=$word
      fi
    elif (( positional == 0 )) && "_repokeeper_words_$program" "$command" commands | grep -qxF -- "$word"; then
      command=\${command:+$command }$word
    elif [[ $word == : || \${COMP_WORDS[index - 1]} == : ]]; then
      : # "s3://bucket" is three words as well
    else
      (( positional += 1 ))
    fi
    (( index += 1 ))
  done
  [[ $current == '=' ]] && current=''
  if [[ -n $previous ]]; then
    _repokeeper_reply "$("_repokeeper_words_$program" "$command" "value $previous")"
  elif [[ -z $ended && $current == -* ]]; then
    _repokeeper_reply "words
$("_repokeeper_words_$program" "$command" options)"
  else
    line=$("_repokeeper_words_$program" "$command" commands)
    if (( positional == 0 )) && [[ -n $line ]]; then
      _repokeeper_reply "words
$line"
    else
      _repokeeper_reply "$("_repokeeper_words_$program" "$command" "argument $positional")"
    fi
  fi
}

_repokeeper_reply() {
  local kind=\${1%%$'\\n'*} line IFS=$'\\n'
  case $kind in
    words) while read -r line; do COMPREPLY+=("$line"); done < <(compgen -W "\${1#*$'\\n'}" -- "$current") ;;
    files) while read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$current") ;;
    directories) while read -r line; do COMPREPLY+=("$line"); done < <(compgen -d -- "$current") ;;
  esac
  case $kind in
    files | directories) compopt -o filenames 2>/dev/null ;;
  esac
  return 0
}
`
