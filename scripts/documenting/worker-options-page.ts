/**
 * Every option of the worker, from the schema that reads them.
 */
import { describeWorkerOptions } from '@repokeeper/worker'
import { madeBy } from './generated-pages.ts'

export function workerOptionsPage(): string {
  const rows = describeWorkerOptions().map(
    ({ name, flag, short, placeholder, repeatable, environment, description, defaultValue }) => [
      `\`${short === undefined ? '' : `-${short}, `}--${flag}${placeholder === undefined ? '' : ` ${placeholder}`}\`${repeatable ? ', several times' : ''}`,
      `\`${environment}\``,
      `\`${name}\``,
      defaultValue === undefined ? '' : `\`${defaultValue}\``,
      description,
    ],
  )
  const head = ['flag', 'environment', 'YAML', 'default', 'what it is']
  return `${madeBy}

# Options of the worker

A flag goes before the environment, and the environment before the YAML file (\`--config FILE\`, \`$REPOKEEPER_CONFIG\`). Lists are separated by commas in
the environment. Whatever is wrong is said at the start, all at once.

${[head, head.map(() => '---'), ...rows].map(formatRow).join('\n')}
`
}

function formatRow(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}
