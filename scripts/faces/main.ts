/**
 * Screenshots of the pages as people see them, into docs/images.
 */
import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { openBrowser } from './browser.ts'
import { samplePackages } from './sample-packages.ts'
import { makeSite, serveSite } from './sample-site.ts'
import { goodDay } from './sample-status.ts'
import { startSampleWorker } from './sample-worker.ts'

const images = join(import.meta.dirname, '..', '..', 'docs', 'images')
/** They lie in the repository: small ones do. */
const imageBytesMax = 150_000

const desk = { viewport: { width: 1120, height: 840 } }
const phone = { viewport: { width: 390, height: 800 }, isMobile: true, hasTouch: true }
const looks: readonly (readonly [string, BrowserContextOptions])[] = [
  ['light', { ...desk, colorScheme: 'light' }],
  ['dark', { ...desk, colorScheme: 'dark' }],
  ['phone', { ...phone, colorScheme: 'light' }],
]

const store = await makeSite(samplePackages(), {
  title: 'Example Packages',
  baseUrl: 'https://packages.example.org/el9/x86_64/',
})
const site = await serveSite(store)
const repository = 's3://my-packages/el9/x86_64/'
const worker = await startSampleWorker(store, repository)
const status = new Map(Object.entries(goodDay(new Date())))
await mkdir(images, { recursive: true })
for (const [look, options] of looks) {
  const { context, close } = await openBrowser({ ...options, reducedMotion: 'reduce' })
  const page = await context.newPage()
  await page.goto(site.front)
  await keep(page, `site-${look}`)
  await page.goto(new URL('package/harbour.html', site.front).href)
  await keep(page, `site-package-${look}`)
  await page.goto(`${site.front}?q=log`)
  await page.getByText(/^\d+ packages$/).waitFor()
  await keep(page, `site-search-${look}`)
  // A worker that has something to tell; what it finds is its own.
  await page.route(/\/(?:status|history|scheduledJobs)$/, (route) =>
    route.fulfill({ json: status.get(new URL(route.request().url()).pathname.slice(1)) }),
  )
  await page.goto(worker.origin)
  await page.getByText('All is well').waitFor()
  await keep(page, `status-${look}`)
  await page.goto(`${worker.origin}/?${new URLSearchParams({ repository, q: 'harbour' })}`)
  await page.locator('#hits summary').first().click()
  await page.evaluate('document.querySelector("#search-title").scrollIntoView()')
  await keep(page, `status-search-${look}`)
  await close()
}
await Promise.all([site.close(), worker.close()])

async function keep(page: Page, name: string): Promise<void> {
  const path = join(images, `${name}.png`)
  await page.screenshot({ path })
  const { size } = await stat(path)
  console.log(`${path}: ${size} bytes`)
  if (size > imageBytesMax) throw new Error(`${path} has ${size} bytes, more than ${imageBytesMax}`)
}
