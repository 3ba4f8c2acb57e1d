/** A real browser for tests and screenshots: Debian's Chromium, installed where it can be. */
import { type BrowserContext, type BrowserContextOptions, chromium } from 'playwright-core';
import { installPackages, isDebianRoot } from '../../src/platform/apt.ts';
import { exists } from '../../src/platform/files.ts';

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** It asks its maker for this and that at every start; tests speak to nobody but the server under test. */
const quiet = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Where the browser is. HYPERVISOR_TEST_CHROMIUM names another one. Throws, in words, where there is none and none can be installed. */
export async function findChromium(say: (message: string) => void = () => undefined): Promise<string> {
  const given = process.env['HYPERVISOR_TEST_CHROMIUM'];
  if (given !== undefined) return given;
  for (const place of places) if (await exists(place)) return place;
  if (!(await isDebianRoot())) {
    throw new Error(
      'no Chromium was found: install one (Debian: apt-get install chromium), or name it in HYPERVISOR_TEST_CHROMIUM',
    );
  }
  say("installing Debian's chromium for the tests of the dashboard");
  await installPackages(['chromium']);
  return '/usr/bin/chromium';
}

/** A browser with nothing in it; it ends when the context is closed. */
export async function openBrowser(options: BrowserContextOptions = {}): Promise<BrowserContext> {
  const browser = await chromium.launch({
    executablePath: await findChromium(),
    // As root, Chromium runs without its sandbox or not at all; it opens nothing here but our own pages.
    chromiumSandbox: process.getuid?.() !== 0,
    args: quiet,
  });
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    reducedMotion: 'reduce',
    ...options,
  });
  // Only against what never comes: on a busy machine a page may take a while.
  context.setDefaultTimeout(120_000);
  context.on('close', () => void browser.close());
  return context;
}
