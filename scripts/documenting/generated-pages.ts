/**
 * Every page that is made from the code: its path below the checkout, and what is to stand there.
 */
import { commandsPage } from './commands-page.ts'
import { workerOptionsPage } from './worker-options-page.ts'

export interface GeneratedPage {
  readonly path: string
  readonly text: string
}

/** Above each of them, for who is about to edit one. */
export const madeBy = '<!-- Made by scripts/docs from the program itself: edit the program. -->'

export async function generatedPages(): Promise<GeneratedPage[]> {
  return [
    { path: 'docs/commands.md', text: await commandsPage() },
    { path: 'docs/worker-options.md', text: workerOptionsPage() },
  ]
}
