import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const PLACES = [
  process.env.TURNPIKE_CHROMIUM ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];
const found = PLACES.find((path) => path !== '' && existsSync(path));

/** Where there is no browser, tests that need one are skipped and counted. */
export const hasBrowser = found !== undefined;

export const openBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: found ?? '', args: ['--no-sandbox', '--disable-gpu'] });
