/**
 * A browser that knows nothing: a directory of its own, and no services of anybody's.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

const executablePath = '/usr/bin/chromium'
const quiet = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export interface OpenBrowser {
  readonly context: BrowserContext
  close(): Promise<void>
}

export async function openBrowser(options: BrowserContextOptions = {}): Promise<OpenBrowser> {
  const directory = await mkdtemp(join(tmpdir(), 'repokeeper-browser-'))
  const context = await chromium.launchPersistentContext(directory, { executablePath, args: quiet, ...options })
  return {
    context,
    async close() {
      await context.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** What a page should not have done. */
export interface Misdeeds {
  /** Errors and warnings in its console, and what it threw. */
  readonly said: string[]
  /** Addresses that are not of this origin. */
  readonly askedOutside: string[]
}

export function watch(page: Page, origin: string): Misdeeds {
  const misdeeds: Misdeeds = { said: [], askedOutside: [] }
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) misdeeds.said.push(message.text())
  })
  page.on('pageerror', (error) => misdeeds.said.push(String(error)))
  page.on('request', (request) => {
    const address = request.url()
    if (!address.startsWith(`${origin}/`) && !address.startsWith('data:')) misdeeds.askedOutside.push(address)
  })
  return misdeeds
}
