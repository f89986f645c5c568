/**
 * What each command says of itself with --help, as one page.
 */
import { helpTexts } from 'repokeeper/help-texts'
import { madeBy } from './generated-pages.ts'

/** Columns of a page that is not as wide as any terminal. */
const helpWidth = 110

export async function commandsPage(): Promise<string> {
  const sections = (await helpTexts(helpWidth)).map(({ command, text }) => `## ${command}\n\n\`\`\`\n${text}\n\`\`\`\n`)
  return `${madeBy}\n\n# Commands\n\nWhat \`--help\` says of each. The worker's options have [a page of their own](worker-options.md).\n\n${sections.join('\n')}`
}
