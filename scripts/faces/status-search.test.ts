/**
 * The search of the worker's own page as a browser shows it, with a worker behind it.
 */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { describeWithClients } from '../../fixtures/describe-with-clients.ts'
import { type OpenBrowser, openBrowser, watch } from './browser.ts'
import { faintTexts, overflowOf } from './legibility.ts'
import { samplePackages } from './sample-packages.ts'
import { makeSite } from './sample-site.ts'
import { type SampleWorker, startSampleWorker } from './sample-worker.ts'

const hostile = '<img/src=//evil.example/x/onerror="window.broken=1">&"\'`'
const longWord = 'unbroken'.repeat(30)
const repository = 's3://my-packages/el9/x86_64/'
const many = Array.from({ length: 130 }, (_, number) => ({ name: `many-${number}` }))

describeWithClients(['chromium'], 'the search of the status page', () => {
  let worker: SampleWorker
  let browser: OpenBrowser
  beforeAll(async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'key')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret')
    const odd = { name: hostile, summary: hostile, requires: [hostile], provides: ['odd-one'] }
    const long = { name: longWord, summary: longWord, requires: [longWord], provides: ['long-one'] }
    const wide = { name: 'wide', requires: Array.from({ length: 80 }, (_, number) => `needed-${number} >= 1`) }
    const store = await makeSite([...samplePackages(), odd, long, wide, ...many])
    worker = await startSampleWorker(store, `s3://my-packages/el9/aarch64,${repository}`)
    browser = await openBrowser({ timezoneId: 'Asia/Tokyo' })
  })
  afterAll(async () => {
    await browser?.close()
    await worker?.close()
    vi.unstubAllEnvs()
  })

  async function open(query: Record<string, string> = {}) {
    const page = await browser.context.newPage()
    const misdeeds = watch(page, worker.origin)
    const searches: string[] = []
    page.on('request', (request) => {
      const { pathname, searchParams } = new URL(request.url())
      if (pathname === '/packages') searches.push(searchParams.get('q') ?? '')
    })
    await page.goto(`${worker.origin}/?${new URLSearchParams(query)}`)
    await field(page).waitFor()
    return { page, misdeeds, searches }
  }
  const innocent = { said: [], askedOutside: [] }
  const field = (page: Page) => page.getByRole('searchbox', { name: 'Search for' })
  const told = (page: Page) => page.locator('#found')
  const hits = (page: Page) => page.locator('#hits > li')
  const seek = async (page: Page, words: string) => {
    await field(page).fill(words)
    await field(page).press('Enter')
  }

  test('asks nothing until somebody does, then shows what was found, and opens it', async () => {
    const { page, misdeeds, searches } = await open()
    await field(page).pressSequentially('harbour')
    expect(searches).toEqual([])
    await page.getByRole('button', { name: 'Search' }).click()
    await told(page).getByText(`4 of the 333 packages of ${repository}.`).waitFor()
    expect(searches).toEqual(['harbour'])
    const names = await page.locator('#hits .nevra').allTextContents()
    expect(names.map((name) => name.replace(/-[0-9].*/, ''))).toEqual([
      'harbour',
      'harbour-devel',
      'harbour-doc',
      'harbour-libs',
    ])
    const first = hits(page).first()
    expect(await first.innerText()).toMatch(/Gateway that keeps long connections alive/)
    expect(await first.getByText('Requires').isVisible()).toBe(false)
    await first.locator('summary').click()
    const facts = await first.locator('dl').innerText()
    expect(facts).toMatch(/openssl-libs >= 1:3\.0/)
    expect(facts).toMatch(/Packages\/harbour-.*\.rpm/)
    expect(facts).toMatch(/[0-9,]+ bytes/)
    // All that the worker tells has its place on the page, the next time that it asks how the worker does.
    await page.locator('#repositories').getByText('333').first().waitFor()
    expect(await page.locator('#jobs').innerText()).toContain('heartbeat')
    expect(misdeeds).toEqual(innocent)
    await page.close()
  })

  test('tells sizes as people read them, and times in the zone of who reads', async () => {
    const { page } = await open({ q: 'almanac-doc' })
    const line = hits(page).first().locator('summary')
    expect(await line.locator('.size').innerText()).toMatch(/^[0-9.]+ kB$/)
    // 2026-11-20 09:12 UTC.
    expect(await line.locator('time').getAttribute('datetime')).toBe('2026-11-20T09:12:00.000Z')
    expect(await line.locator('time').getAttribute('title')).toBe('2026-11-20 18:12:00')
    await page.close()
  })

  test('says how many more there are, shows them, and goes on where they begin', async () => {
    const { page } = await open()
    await seek(page, 'many-')
    await told(page).getByText(`130 of the 333 packages of ${repository}. These are the nearest 20.`).waitFor()
    expect(await hits(page).count()).toBe(20)
    await page.getByRole('button', { name: 'Show 80 more' }).press('Enter')
    await told(page).getByText('These are the nearest 100. One word more finds fewer.').waitFor()
    expect(await hits(page).count()).toBe(100)
    expect(await page.getByRole('button', { name: /more$/ }).count()).toBe(0)
    const focused = await page.locator(':focus .nevra').textContent()
    expect(focused).toBe(await hits(page).nth(20).locator('.nevra').textContent())
    await page.close()
  })

  test('says how many dependencies are not told of', async () => {
    const { page } = await open({ q: 'wide' })
    await hits(page).first().locator('summary').click()
    expect(await hits(page).first().innerText()).toMatch(/needed-0 >= 1[\s\S]*and 3[0-9] more/)
    await page.close()
  })

  test('says in words that nothing was asked, found, or published', async () => {
    const { page, searches } = await open()
    await seek(page, '  ')
    await told(page).getByText('Type a word to search for.').waitFor()
    expect(searches).toEqual([])
    await seek(page, 'harbour nowhere')
    await told(page).getByText(`None of the 333 packages of ${repository} has all of these words.`).waitFor()
    expect(await hits(page).count()).toBe(0)
    await page.getByLabel('Repository').selectOption('s3://my-packages/el9/aarch64/')
    await seek(page, 'harbour')
    await told(page).getByText('The search failed: nothing is published in s3://my-packages/el9/aarch64/.').waitFor()
    await page.close()
  })

  test('says why a search failed, and what to do', async () => {
    const { page } = await open({ q: 'harbour' })
    await hits(page).nth(3).waitFor()
    const answers = [
      [{ status: 503, json: { error: 'others are searching already' } }, 'The worker is busy: others are searching'],
      [{ status: 500, json: { error: 'no answer' } }, 'The search failed: no answer.'],
      [{ status: 502, body: 'of a proxy' }, 'The search failed: the worker does not answer.'],
    ] as const
    for (const [answer, words] of answers) {
      await page.route('**/packages?*', (route) => route.fulfill(answer), { times: 1 })
      await seek(page, 'harbour')
      await told(page).getByText(words).waitFor()
      expect(await hits(page).count()).toBe(0)
    }
    await seek(page, 'harbour')
    await hits(page).nth(3).waitFor()
    await page.close()
  })

  test('shows the answer to what was asked last, and gives up what was asked before', async () => {
    const { page } = await open()
    const aborted: string[] = []
    page.on('requestfailed', (request) => aborted.push(new URL(request.url()).searchParams.get('q') ?? ''))
    // Never answered.
    await page.route('**/packages?*', () => {}, { times: 1 })
    await seek(page, 'slow')
    await told(page).getByText(`Searching ${repository}`).waitFor()
    await seek(page, 'rudder')
    await told(page).getByText('4 of the 333').waitFor()
    expect(aborted).toEqual(['slow'])
    await page.close()
  })

  test('keeps what was asked in the address, and goes back to it', async () => {
    const { page, searches } = await open({ repository, q: 'log*' })
    await told(page).getByText('of the 333').waitFor()
    expect(await field(page).inputValue()).toBe('log*')
    await seek(page, 'libtide++ & co')
    await told(page).getByText('None of the').waitFor()
    expect(new URL(page.url()).searchParams.get('q')).toBe('libtide++ & co')
    await page.goBack()
    await told(page)
      .getByText(/^[0-9]+ of the 333/)
      .waitFor()
    expect(await field(page).inputValue()).toBe('log*')
    expect(searches).toEqual(['log*', 'libtide++ & co', 'log*'])
    await page.reload()
    await told(page)
      .getByText(/^[0-9]+ of the 333/)
      .waitFor()
    await page.close()
  })

  test('searches no repository that the worker does not know, whatever the address says', async () => {
    const { page, searches } = await open({ repository: `s3://${hostile}/`, q: 'x' })
    await told(page).getByText(`This worker knows no repository s3://${hostile}/.`).waitFor()
    expect(searches).toEqual([])
    await page.close()
  })

  test('is used by keyboard alone: a slash, words, Enter, Tab, Space', async () => {
    const { page, misdeeds } = await open()
    await page.keyboard.press('/')
    await page.keyboard.type('rudder')
    await page.keyboard.press('Enter')
    await told(page).getByText('4 of the 333').waitFor()
    expect(await page.evaluate('document.activeElement.id')).toBe('words')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Tab')
    expect(await page.locator(':focus .nevra').textContent()).toMatch(/^rudder-/)
    expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid')
    await page.keyboard.press('Space')
    expect(await hits(page).first().getByText('Provides').isVisible()).toBe(true)
    expect(misdeeds).toEqual(innocent)
    await page.close()
  })

  test('tells everything that changes to who does not see it', async () => {
    const { page } = await open()
    await page.getByRole('search', { name: 'Packages' }).waitFor()
    expect(await field(page).getAttribute('aria-describedby')).toBe('hint')
    await seek(page, 'rudder')
    await page.getByRole('status').getByText('4 of the 333').waitFor()
    expect(await page.getByRole('list').filter({ hasText: 'rudder-devel' }).getAttribute('aria-busy')).toBe('false')
    await page.close()
  })

  test('shows texts of packages as text', async () => {
    const { page, misdeeds } = await open({ q: 'odd-one' })
    await hits(page).first().locator('summary').click()
    const text = await hits(page).first().innerText()
    expect(text.split(hostile).length).toBeGreaterThan(3)
    expect(await page.locator('img').count()).toBe(0)
    expect(await page.evaluate('window.broken')).toBeUndefined()
    expect(misdeeds).toEqual(innocent)
    await page.close()
  })

  test.each(['light', 'dark'] as const)('has contrast for everybody in %s', async (colorScheme) => {
    const { page } = await open({ q: 'harbour' })
    await page.emulateMedia({ colorScheme })
    await hits(page).first().locator('summary').click()
    expect(await faintTexts(page)).toEqual([])
    await page.close()
  })

  test.each(['long-one', 'harbour', 'many'])('does not scroll to the side on a phone with what %s finds', async (q) => {
    const { page } = await open({ q })
    await page.setViewportSize({ width: 320, height: 640 })
    await hits(page).first().locator('summary').click()
    expect(await overflowOf(page)).toBe(0)
    await page.close()
  })
})
