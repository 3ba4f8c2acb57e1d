/** What a file of tests of the dashboard begins and ends with: a server, its owner, and a browser whose pages are closed after each test. */
import type { BrowserContext } from 'playwright-core';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { type Client, newOwner } from '../conformance/client.ts';
import { openBrowser } from './chromium.ts';
import { type ServiceOptions, startTestService, type TestService } from './service.ts';

export interface DashboardSuite {
  readonly service: TestService;
  readonly owner: Client;
  readonly context: BrowserContext;
}

/** Registers the hooks of the file that calls it; what it returns is there once they have run. */
export function dashboardSuite(options: ServiceOptions = {}): DashboardSuite {
  const suite: { -readonly [Part in keyof DashboardSuite]?: DashboardSuite[Part] } = {};
  beforeAll(async () => {
    suite.service = await startTestService(options);
    suite.owner = await newOwner(suite.service.url);
    suite.context = await openBrowser();
  });
  afterEach(async () => {
    for (const page of suite.context?.pages() ?? []) await page.close();
  });
  afterAll(async () => {
    await suite.context?.close();
    await suite.service?.stop();
  });
  return suite as DashboardSuite;
}
