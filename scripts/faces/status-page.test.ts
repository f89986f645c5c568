/**
 * The worker's own page as a browser shows it.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeWithClients } from '../../fixtures/describe-with-clients.ts'
import { type OpenBrowser, openBrowser, watch } from './browser.ts'
import { faintTexts, overflowOf } from './legibility.ts'
import { badDay, goodDay, type ServedStatus, serveStatus } from './sample-status.ts'

const hostile = '<img src=//evil.example/x onerror="window.broken=1">$&\'"'
const now = new Date('2026-11-20T10:22:00Z')

describeWithClients(['chromium'], 'the status page in a browser', () => {
  let worker: ServedStatus
  let browser: OpenBrowser
  beforeAll(async () => {
    worker = await serveStatus(goodDay(now))
    browser = await openBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await worker?.close()
  })

  async function open() {
    const page = await browser.context.newPage()
    await page.clock.install()
    const misdeeds = watch(page, worker.origin)
    await page.goto(worker.origin)
    return { page, misdeeds }
  }
  const innocent = { said: [], askedOutside: [] }

  test('says at a glance that all is well, what is done, and how long an upload takes', async () => {
    worker.answers = goodDay(now)
    const { page, misdeeds } = await open()
    await page.getByRole('heading', { name: 'All is well' }).waitFor()
    const main = await page.getByRole('main').innerText()
    for (const said of [
      'Publishing 12 keys of s3://my-packages/el9/x86_64/ for 2 s.',
      '3.4 s',
      'half of 1,284 uploads; 95 % within 8.9 s',
      '12 in work, 0 delayed',
      'NOT_AN_RPM',
      '12,408',
      's3://my-packages answers 503: it is tried again in 8 s',
      'second look',
    ]) {
      expect(main).toContain(said)
    }
    expect(await page.getByRole('img', { name: /^Packages per day, the last 21 days: [\d,]+ added/ }).isVisible()).toBe(
      true,
    )
    expect(await page.locator('svg .bar-in').count()).toBe(21)
    expect(misdeeds).toEqual(innocent)
    await page.close()
  })

  test('shows texts of buckets and queues as text, and why the worker is not ready', async () => {
    worker.answers = badDay(now, hostile)
    const { page, misdeeds } = await open()
    await page.getByRole('heading', { name: 'Not ready' }).waitFor()
    expect(await page.locator('#reasons').innerText()).toContain(hostile)
    expect(await page.getByText('3 messages in the dead-letter queue').isVisible()).toBe(true)
    expect(await page.locator('#refused .why').innerText()).toBe(hostile)
    expect(await page.locator('img').count()).toBe(0)
    expect(await page.evaluate('window.broken')).toBeUndefined()
    expect(misdeeds).toEqual(innocent)
    await page.close()
  })

  test('asks again every five seconds, says when nobody answers, and recovers', async () => {
    worker.answers = goodDay(now)
    const { page } = await open()
    await page.getByRole('heading', { name: 'All is well' }).waitFor()
    worker.answers = undefined
    await page.clock.runFor(5_000)
    await page.getByRole('alert').getByText('The worker has not answered since').waitFor()
    expect(await page.getByText('What stands here is older').isVisible()).toBe(true)
    worker.answers = badDay(now, 'the queue cannot be read')
    await page.clock.runFor(5_000)
    await page.getByRole('heading', { name: 'Not ready' }).waitFor()
    expect(await page.getByRole('alert').count()).toBe(0)
    await page.close()
  })

  test('asks once a minute while nobody looks, and at once when somebody does', async () => {
    worker.answers = goodDay(now)
    const { page } = await open()
    await page.getByRole('heading', { name: 'All is well' }).waitFor()
    let asked = 0
    page.on('request', (request) => {
      if (request.url().endsWith('/status')) asked += 1
    })
    const turn = async (hidden: boolean) => {
      await page.evaluate(`Object.defineProperty(document, 'hidden', { configurable: true, value: ${hidden} })`)
      await page.evaluate('document.dispatchEvent(new Event("visibilitychange"))')
    }
    const lastAnswer = () => page.locator('#asked').innerText()
    const answeredAfter = async (milliseconds: number) => {
      const before = await lastAnswer()
      await page.clock.runFor(milliseconds)
      await expect.poll(lastAnswer).not.toBe(before)
    }
    await turn(true)
    // What was to come in five seconds comes still.
    await answeredAfter(5_000)
    await page.clock.runFor(50_000)
    expect(asked).toBe(1)
    await answeredAfter(10_000)
    expect(asked).toBe(2)
    await Promise.all([page.waitForRequest(/status$/), turn(false)])
    expect(asked).toBe(3)
    await page.close()
  })

  test('keeps to its policy: neither a style nor a script but its own', async () => {
    const { page, misdeeds } = await open()
    await page.evaluate(
      'document.body.append(Object.assign(document.createElement("script"), { textContent: "window.broken=1" }))',
    )
    await expect.poll(() => misdeeds.said.join()).toMatch(/Content Security Policy/)
    expect(await page.evaluate('window.broken')).toBeUndefined()
    await page.close()
  })

  test.each(['light', 'dark'] as const)('has contrast for everybody in %s, well or not', async (colorScheme) => {
    for (const answers of [goodDay(now), badDay(now, 'unwell')]) {
      worker.answers = answers
      const { page } = await open()
      await page.emulateMedia({ colorScheme })
      await page.getByRole('heading', { name: /^(All is well|Not ready)$/ }).waitFor()
      expect(await faintTexts(page)).toEqual([])
      await page.close()
    }
  })

  test.each([goodDay(now), badDay(now, 'unbroken'.repeat(30))])(
    'does not scroll to the side on a phone (%#)',
    async (answers) => {
      worker.answers = answers
      const { page } = await open()
      await page.setViewportSize({ width: 320, height: 640 })
      await page.getByRole('heading', { name: /^(All is well|Not ready)$/ }).waitFor()
      expect(await overflowOf(page)).toBe(0)
      await page.close()
    },
  )
})
