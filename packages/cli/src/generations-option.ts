/**
 * The option of commands that publish: whether each generation is published below a path of its own as well.
 */
import { type Generations, wrongGenerationsUrl } from '@repokeeper/repository/generation-settings'
import type { Command } from 'commander'
import * as z from 'zod'
import { UsageError } from './failure.ts'

export function defineGenerationsOption(command: Command): Command {
  return command.option(
    '--generations-url <url>',
    'publish each generation below generations/ too, and a mirrorlist that names it; where clients reach the repository; also $REPOKEEPER_GENERATIONS_URL',
  )
}

/** @throws UsageError */
export function readGenerations(
  values: unknown,
  environment: Readonly<Record<string, string | undefined>>,
): Generations {
  const { generationsUrl } = Flags.parse(values)
  const url = generationsUrl ?? (environment.REPOKEEPER_GENERATIONS_URL || undefined)
  if (url === undefined) return { kind: 'as found' }
  const wrong = wrongGenerationsUrl(url, false)
  if (wrong !== undefined) throw new UsageError(wrong)
  return { kind: 'published', url }
}

const Flags = z.object({ generationsUrl: z.string().optional() })
