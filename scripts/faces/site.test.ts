/**
 * The site of a repository as a browser shows it.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeWithClients } from '../../fixtures/describe-with-clients.ts'
import { type OpenBrowser, openBrowser, watch } from './browser.ts'
import { faintTexts, overflowOf } from './legibility.ts'
import { samplePackages } from './sample-packages.ts'
import { makeSite, type ServedSite, serveSite } from './sample-site.ts'

const hostile = '<img/src=//evil.example/x/onerror="window.broken=1">&"\'`'
const longWord = 'unbroken'.repeat(30)

describeWithClients(['chromium'], 'the site in a browser', () => {
  let site: ServedSite
  let browser: OpenBrowser
  beforeAll(async () => {
    const odd = {
      name: hostile,
      summary: hostile,
      description: `${hostile}\n\n${longWord}`,
      license: hostile,
      url: 'javascript:window.broken=1',
      changelogs: [{ time: 1_700_000_000, author: hostile, text: hostile }],
      files: [{ path: `/usr/share/${hostile}`, content: 'x' }],
    }
    const packages = [...samplePackages(), odd, { name: longWord, summary: longWord, requires: [longWord] }]
    site = await serveSite(await makeSite(packages))
    browser = await openBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await site?.close()
  })

  async function open(path: string) {
    const page = await browser.context.newPage()
    const misdeeds = watch(page, site.origin)
    await page.goto(new URL(path, site.front).href)
    return { page, misdeeds, close: () => page.close() }
  }
  const innocent = { said: [], askedOutside: [] }

  test('finds packages by words of their names and summaries, the nearest first', async () => {
    const { page, misdeeds, close } = await open('index.html')
    const found = page.locator('#results a')
    await page.getByRole('searchbox').fill('harbour')
    await page.getByText(/^4 packages$/).waitFor()
    expect(await found.allTextContents()).toEqual(['harbour', 'harbour-devel', 'harbour-doc', 'harbour-libs'])
    await page.getByRole('searchbox').fill('long connections')
    await page.getByText(/^1 package$/).waitFor()
    await page.getByRole('searchbox').fill('no such words')
    await page.getByText('No package has these words').waitFor()
    expect(new URL(page.url()).searchParams.get('q')).toBe('no such words')
    await page.getByRole('searchbox').fill('')
    await page.getByRole('heading', { name: 'Newest' }).waitFor()
    expect(misdeeds).toEqual(innocent)
    await close()
  })

  test('finds what stands on the front page of a small repository without reading anything more', async () => {
    const small = await serveSite(await makeSite([{ name: hostile }, { name: 'foo' }, { name: 'foo-libs' }]))
    const page = await browser.context.newPage()
    const read: string[] = []
    page.on('request', (request) => read.push(new URL(request.url()).pathname))
    await page.goto(small.front)
    await page.getByRole('searchbox').fill('foo')
    await page.getByText(/^2 packages$/).waitFor()
    await page.getByRole('searchbox').fill('<img')
    await page.locator('#results a').click()
    await page.getByRole('heading', { level: 1, name: hostile }).waitFor()
    expect(read.filter((path) => path.includes('/search/'))).toEqual([])
    await page.close()
    await small.close()
  })

  test('is searched from the page of a package, too', async () => {
    const { page, misdeeds, close } = await open('package/sextant.html')
    await page.getByRole('searchbox').fill('tide')
    await page.keyboard.press('Enter')
    await page.locator('#results').getByRole('link', { name: 'tidewater', exact: true }).waitFor()
    expect(page.url()).toBe(`${site.front}?q=tide`)
    expect(misdeeds).toEqual(innocent)
    await close()
  })

  test('is used by keyboard alone: a slash, words, arrows, Enter, Escape', async () => {
    const { page, close } = await open('index.html')
    await page.keyboard.press('/')
    await page.keyboard.type('rudder')
    await page.getByText(/^4 packages$/).waitFor()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    const focused = page.locator(':focus')
    expect(await focused.textContent()).toBe('rudder-devel')
    const outline = 'getComputedStyle(document.activeElement, "::after").outlineStyle'
    expect(await page.evaluate(outline)).toBe('solid')
    await page.keyboard.press('Escape')
    expect(await page.getByRole('searchbox').inputValue()).toBe('')
    await page.keyboard.type('rudder')
    await page.getByText(/^4 packages$/).waitFor()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'rudder', level: 1 }).waitFor()
    // The first stop of each page leads past the head.
    await page.keyboard.press('Tab')
    expect(await page.locator(':focus').textContent()).toBe('Skip to the content')
    await close()
  })

  test('leads to every package without a script, by its letter', async () => {
    const page = await browser.context.newPage()
    const session = await browser.context.newCDPSession(page)
    await session.send('Emulation.setScriptExecutionDisabled', { value: true })
    await page.goto(site.front)
    expect(await page.getByRole('searchbox').count()).toBe(0)
    await page.getByRole('navigation', { name: 'Packages by letter' }).getByRole('link', { name: 'W' }).click()
    await page.getByRole('link', { name: 'windlass-libs' }).click()
    await page.locator('summary', { hasText: 'Files' }).click()
    expect(await page.getByText('/usr/lib64/libwindlass.so.1').isVisible()).toBe(true)
    await page.close()
  })

  test('says where the repository is by where the page is, and leads to the packages themselves', async () => {
    const { page, close } = await open('package/harbour.html')
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page
        .getByRole('link', { name: /^Download harbour/ })
        .first()
        .click(),
    ])
    expect(download.url()).toMatch(
      /^http:\/\/127\.0\.0\.1:\d+\/el9\/x86_64\/Packages\/harbour-2\.8\.1-1\.el9\.x86_64\.rpm$/,
    )
    await page.goto(site.front)
    expect(await page.locator('pre').first().textContent()).toContain(`baseurl=${site.origin}/el9/x86_64/\n`)
    await close()
  })

  test('shows what a package says as text, whatever it says', async () => {
    const { page, misdeeds, close } = await open('index.html?q=%3Cimg')
    await page.getByText('1 package', { exact: true }).waitFor()
    expect(await page.locator('#results a').textContent()).toBe(hostile)
    await page.locator('#results a').click()
    await page.getByRole('heading', { level: 1, name: hostile }).waitFor()
    await page.locator('summary', { hasText: 'Files' }).click()
    expect(await page.getByText(`/usr/share/${hostile}`).isVisible()).toBe(true)
    expect(await page.locator('main a:not([href^="#"]):not([href^="../"])').count()).toBe(0)
    expect(await page.locator('main img').count()).toBe(0)
    expect(await page.evaluate('window.broken')).toBeUndefined()
    expect(misdeeds).toEqual(innocent)
    await close()
  })

  describe.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
    test.each(['index.html', 'index.html?q=tide', 'list/s.html', 'package/harbour.html'])(
      '%s has contrast for everybody',
      async (path) => {
        const { page, close } = await open(path)
        await page.emulateMedia({ colorScheme })
        if (path.includes('?')) await page.getByText(/^\d+ packages$/).waitFor()
        await page.evaluate('for (const folded of document.querySelectorAll("details")) folded.open = true')
        expect(await faintTexts(page)).toEqual([])
        await close()
      },
    )
  })

  test.each(['index.html', 'index.html?q=unbroken', 'list/u.html', `package/${longWord.slice(0, 120)}`])(
    'nothing of %s scrolls to the side on a phone',
    async (path) => {
      const { page, close } = await open('index.html')
      await page.setViewportSize({ width: 320, height: 640 })
      if (path.startsWith('package/')) {
        await page.goto(new URL('list/u.html', site.front).href)
        await page.getByRole('link', { name: longWord }).first().click()
        await page.getByRole('heading', { level: 1, name: longWord }).waitFor()
      } else await page.goto(new URL(path, site.front).href)
      await page.evaluate('for (const folded of document.querySelectorAll("details")) folded.open = true')
      expect(await overflowOf(page)).toBe(0)
      await close()
    },
  )
})
