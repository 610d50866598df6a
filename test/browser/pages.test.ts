import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Page } from 'playwright-core';
import { hasBrowser, openBrowser } from '../support/browser.ts';
import { RunningGateway } from '../support/gateway.ts';

const PAIR = '/models/mistralai/mistral-small-2603/on/openrouter';
const PAGES = [
  '/',
  '/models?q=mistral',
  '/models/mistralai/mistral-small-2603',
  PAIR,
  '/providers',
  '/providers/nvidia',
  '/docs/errors',
  '/nothing/here',
];

describe.skipIf(!hasBrowser)('pages in a browser', () => {
  let gateway: RunningGateway;
  let browser: Browser;
  beforeAll(async () => {
    gateway = await RunningGateway.start();
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await gateway.stop();
  });

  async function visit(
    path: string,
    options: Parameters<Browser['newContext']>[0],
    look: (page: Page) => Promise<void>,
  ): Promise<void> {
    const context = await browser.newContext(options);
    try {
      const page = await context.newPage();
      await page.goto(gateway.url + path);
      await look(page);
    } finally {
      await context.close();
    }
  }

  for (const colorScheme of ['light', 'dark'] as const) {
    test(`REF-094 axe finds nothing on eight pages, ${colorScheme}, wide and narrow`, async () => {
      const context = await browser.newContext({ colorScheme });
      const page = await context.newPage();
      for (const path of PAGES) {
        await page.goto(gateway.url + path);
        for (const width of [1280, 390]) {
          await page.setViewportSize({ width, height: 900 });
          // No page of ours has frames: without them axe needs no second page to put its findings together.
          const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
          const found = violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
          expect([path, width, found]).toEqual([path, width, []]);
        }
      }
      await context.close();
    }, 120_000);
  }

  test('REF-099 at 320 px nothing but tables and code scrolls sideways', async () => {
    for (const path of PAGES) {
      await visit(path, { viewport: { width: 320, height: 800 } }, async (page) => {
        const over = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        expect([path, over]).toEqual([path, 0]);
      });
    }
  });

  test('REF-092 no request leaves the origin', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const foreign: string[] = [];
    page.on('request', (request) => {
      if (!request.url().startsWith(gateway.url)) foreign.push(request.url());
    });
    const failed: string[] = [];
    page.on('response', (response) => {
      if (response.status() >= 400 && !response.url().endsWith('/nothing/here')) failed.push(response.url());
    });
    for (const path of PAGES) await page.goto(gateway.url + path, { waitUntil: 'networkidle' });
    expect([foreign, failed]).toEqual([[], []]);
    await context.close();
  });

  test('REF-093 with script off everything can be read, searched and opened', async () => {
    await visit('/', { javaScriptEnabled: false }, async (page) => {
      await page.getByLabel('Find a model').fill('mistral small 4');
      await page.keyboard.press('Enter');
      await page.getByRole('link', { name: 'Mistral Small 4', exact: true }).click();
      await page.getByRole('link', { name: 'OpenRouter', exact: true }).click();
      expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Mistral Small 4 on OpenRouter');
      const receipt = page.locator('.tile .receipt').first();
      await receipt.locator('summary').click();
      expect(await receipt.locator('.receipt-body').isVisible()).toBe(true);
      expect(await receipt.textContent()).toMatch(/checked \d{4}-\d\d-\d\d/);
    });
  });

  test('the keyboard reaches content, receipts and the theme, and Escape closes a receipt', async () => {
    await visit(PAIR, {}, async (page) => {
      await page.keyboard.press('Tab');
      expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to content');
      const summary = page.locator('.tile .receipt summary').first();
      await summary.focus();
      await page.keyboard.press('Enter');
      expect(await page.locator('.receipt[open]').count()).toBe(1);
      await page.keyboard.press('Escape');
      expect(await page.locator('.receipt[open]').count()).toBe(0);
      await page.getByRole('button', { name: 'Dark theme' }).press('Enter');
      expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBe('dark');
      await page.reload();
      expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe('rgb(16, 18, 22)');
    });
  });

  test('REF-045 the curl and TypeScript examples of the page run as they stand', async () => {
    await visit(PAIR, {}, async (page) => {
      const code = async (name: string): Promise<string> =>
        (await page.getByRole('region', { name }).locator('code').textContent()) ?? '';
      const env = { ...process.env, TURNPIKE_API_KEY: gateway.key };
      const curl = Bun.spawn(['sh', '-c', await code('curl example')], { env, stdout: 'pipe', stderr: 'ignore' });
      expect((await new Response(curl.stdout).json()).choices[0].message.content).toContain('hello');
      const file = `${import.meta.dir}/example-${process.pid}.ts`;
      await Bun.write(file, await code('TypeScript example'));
      try {
        const run = Bun.spawn([process.execPath, file], { env, stdout: 'pipe', stderr: 'inherit' });
        expect(await new Response(run.stdout).text()).toContain('hello');
      } finally {
        await Bun.file(file).delete();
      }
    });
  });
});
