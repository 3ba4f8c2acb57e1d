/** What a person does with the dashboard, from nothing to a container and back, with real Docker. */
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Client, type Session, unique } from '../conformance/client.ts';
import { openBrowser } from '../support/chromium.ts';
import { openPage, visit } from '../support/dashboard.ts';
import { requireEngine } from '../support/engine-port.ts';
import { startTestService, type TestService } from '../support/service.ts';

const engine = requireEngine();
const username = unique('person');
const password = 'tidal-otter-brass-42';
let service: TestService;
let context: BrowserContext;

beforeAll(async () => {
  service = await startTestService();
  context = await openBrowser();
});
afterAll(async () => {
  await context?.close();
  await service?.stop();
});

test('sign up, make a cluster, submit, see why it waits, see it start, read its log, use a terminal, stop it', async () => {
  const { page, complaints } = await openPage(context);
  await signUp(page);
  await makeCluster(page);
  const client = await signedIn();
  const { items } = await client.call<{ items: { id: string }[] }>('GET', '/clusters');
  const blocker = await client.submit(items[0]!.id, {
    name: 'blocker',
    kind: 'job',
    docker_image: engine.image,
    command: ['sh', '-c', 'sleep 600'],
    ram_required: 0.1,
    cpu_required: 1,
    stop_grace_s: 1,
  });
  await client.became(blocker.id, 'running');

  await submit(page);
  await page.getByRole('heading', { level: 1, name: 'mine' }).waitFor();
  await page.getByText(/Waits, as number 1 in the queue/).waitFor();
  await page
    .getByText(/needs 1 /)
    .first()
    .waitFor();

  await client.stop(blocker.id);
  await page.getByText('running', { exact: true }).first().waitFor();

  await page.getByRole('tab', { name: 'Logs' }).click();
  await page.getByRole('log').getByText('hello from it').waitFor();

  await page.getByRole('tab', { name: 'Terminal' }).click();
  await page.getByRole('button', { name: 'Open', exact: true }).click();
  const terminal = page.locator('.xterm-helper-textarea');
  await terminal.waitFor({ state: 'attached' });
  await page.locator('.xterm-rows').getByText(/[#$]/).first().waitFor();
  await terminal.focus();
  await page.keyboard.type('echo "sum: $((40 + 2))"\n');
  await page.locator('.xterm-rows').getByText('sum: 42').first().waitFor();

  await page.getByRole('button', { name: 'Stop' }).click();
  await page.getByRole('button', { name: 'Stop it' }).click();
  await page.getByText('cancelled', { exact: true }).first().waitFor();
  expect(complaints).toEqual([]);
});

async function signUp(page: Page): Promise<void> {
  await visit(page, service.url);
  await page.getByRole('link', { name: 'Sign up' }).click();
  await page.getByRole('heading', { name: 'Sign up' }).waitFor();
  await page.getByRole('textbox', { name: 'Username' }).fill(username);
  await page.getByRole('textbox', { name: 'E-mail' }).fill(`${username}@example.com`);
  await page.locator('input[autocomplete=new-password]').fill(password);
  await page.getByRole('button', { name: 'Sign up' }).click();
  await page.getByRole('heading', { name: 'Your organization' }).waitFor();
  await page.getByRole('textbox', { name: 'Name' }).fill(unique('organization'));
  await page.getByRole('button', { name: 'Create' }).click();
}

async function makeCluster(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Make a cluster' }).click();
  await page.getByRole('button', { name: 'New cluster' }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox', { name: 'Name' }).first().fill('lab');
  await dialog.getByRole('textbox', { name: 'Memory, in GB' }).fill('1');
  await dialog.getByRole('textbox', { name: 'CPU, in cores' }).fill('1');
  await dialog.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('heading', { level: 1, name: 'lab' }).waitFor();
}

async function signedIn(): Promise<Client> {
  const { token } = await new Client(service.url).call<Session>('POST', '/auth/sign-in', { username, password });
  return new Client(service.url, token);
}

async function submit(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Submit' }).first().click();
  await page.getByRole('heading', { level: 1, name: 'Submit' }).waitFor();
  await page.getByRole('textbox', { name: 'Image' }).fill(engine.image);
  await page.getByRole('textbox', { name: 'Command' }).fill('sh -c "echo hello from it; sleep 600"');
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('mine');
  await page.getByRole('textbox', { name: /^RAM/ }).fill('0.1');
  await page.getByRole('textbox', { name: /^CPU/ }).fill('1');
  await page.getByText(/waits/i).first().waitFor();
  await page.keyboard.press('Control+Enter');
}
