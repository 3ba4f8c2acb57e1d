/** What an admin does with a cluster in the browser: its queue, its passes, its nodes, its policy, its end. */
import type { Locator, Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { type Cluster, type Deployment } from '../conformance/client.ts';
import { expectAccessible, openPage, signInAs, visit } from '../support/dashboard.ts';
import { dashboardSuite } from '../support/dashboard-suite.ts';

const suite = dashboardSuite();

/** Of two nodes with room for one of these each, two are admitted. */
const large = { kind: 'job', ram_required: 4, cpu_required: 4, time_limit_s: 3600 } as const;

beforeAll(async () => {
  await signInAs(suite.context, suite.owner);
});

function makeCluster(): Promise<Cluster> {
  const nodes = ['one', 'two'].map((name) => ({ name, ram: 8, cpu: 4 }));
  return suite.owner.createCluster({ nodes });
}

/** All that runs is there before the last of them wait. */
async function submitAll(cluster: Cluster, ...names: string[]): Promise<Deployment[]> {
  const made = await suite.owner.submitAll(
    cluster.id,
    names.map((name) => ({ ...large, name })),
  );
  for (const { id } of made.slice(0, 2)) await suite.owner.became(id, 'running');
  return made;
}

async function open(cluster: Cluster, tab: string): Promise<{ page: Page; complaints: string[] }> {
  const opened = await openPage(suite.context);
  await visit(opened.page, `${suite.service.url}/clusters/${cluster.id}?tab=${tab}`);
  return opened;
}

/** What is told of a deed. */
const told = (page: Page, text: string): Locator => page.getByRole('alert').filter({ hasText: text });

const undoOf = (page: Page, text: string): Locator => told(page, text).getByRole('button', { name: 'Undo' });

/** Does what can be undone. What is told of it would go after a while: it stays as long as the pointer is on it. */
async function doAndStay(page: Page, text: string, deed: Locator): Promise<void> {
  await Promise.all([undoOf(page, text).hover(), deed.click()]);
}

async function undo(page: Page, text: string): Promise<void> {
  await Promise.all([told(page, 'Undone.').waitFor(), undoOf(page, text).click()]);
}

const prioritiesOf = async (deployments: readonly Deployment[]) =>
  Promise.all(deployments.map(async ({ id }) => (await suite.owner.deployment(id)).priority));

test('of those that wait, many are raised, lowered and withdrawn at once, and that is undone', async () => {
  const cluster = await makeCluster();
  const waiting = (await submitAll(cluster, 'runs', 'serves', 'first', 'second', 'third')).slice(2);
  const { page, complaints } = await open(cluster, 'queue');
  for (const name of ['first', 'second']) await page.getByRole('checkbox', { name: `Select ${name}` }).check();
  const bar = page.getByRole('toolbar', { name: 'What is selected' });
  await bar.getByText('2 deployments selected').waitFor();
  await expectAccessible(page);
  await doAndStay(page, '2 raised.', bar.getByRole('button', { name: 'Raise' }));
  expect(await prioritiesOf(waiting)).toEqual([49, 49, 50]);
  await undo(page, '2 raised.');
  expect(await prioritiesOf(waiting)).toEqual([50, 50, 50]);

  await page.getByRole('checkbox', { name: 'Select all that are loaded' }).check();
  await bar.getByRole('button', { name: 'Lower' }).click();
  await told(page, '3 lowered.').waitFor();
  expect(await prioritiesOf(waiting)).toEqual([51, 51, 51]);

  await page.getByRole('checkbox', { name: 'Select third' }).check();
  await bar.getByRole('button', { name: 'Withdraw' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Withdraw' }).click();
  await told(page, '1 withdrawn.').waitFor();
  await page.getByRole('row').filter({ hasText: 'third' }).waitFor({ state: 'detached' });
  expect(await suite.owner.statuses(waiting.map(({ id }) => id))).toEqual(['queued', 'queued', 'cancelled']);
  expect(complaints).toEqual([]);
});

test('a dry run tells what a pass would decide; one on request decides it, and is told with who was admitted and who not', async () => {
  const cluster = await makeCluster();
  await suite.owner.setSchedulable(cluster.id, false);
  const names = ['first', 'second', 'late'];
  const made = await suite.owner.submitAll(
    cluster.id,
    names.map((name, index) => ({ ...large, name, priority: 10 + index })),
  );
  const { page, complaints } = await open(cluster, 'queue');
  await page.getByRole('row').filter({ hasText: 'late' }).waitFor();
  const dialog = page.getByRole('dialog');
  await page.getByRole('button', { name: 'What would it decide?' }).click();
  await dialog.getByRole('heading', { name: 'What it would decide' }).waitFor();
  for (const name of names) await dialog.getByRole('row').filter({ hasText: name }).getByText('waits').waitFor();
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Close' }).click();
  await dialog.waitFor({ state: 'detached' });
  expect(await suite.owner.statuses(made.map(({ id }) => id))).toEqual(['queued', 'queued', 'queued']);

  await suite.owner.setSchedulable(cluster.id, true);
  await page.getByRole('button', { name: 'Schedule now' }).click();
  await dialog.getByRole('heading', { name: 'What it decided' }).waitFor();
  await dialog.getByRole('row').filter({ hasText: 'late' }).getByText('waits').waitFor();
  await dialog.getByRole('button', { name: 'Close' }).click();
  for (const { id } of made.slice(0, 2)) await suite.owner.became(id, 'running');

  await page.getByRole('tab', { name: 'Decisions' }).click();
  await page.getByRole('table', { name: 'Passes' }).getByRole('row').nth(1).click();
  await dialog.getByRole('heading', { name: 'Not admitted' }).waitFor();
  const row = (name: string) => dialog.getByRole('row').filter({ has: page.getByRole('link', { name, exact: true }) });
  await row('late')
    .getByText(/needs 4 cores/)
    .waitFor();
  await dialog.getByText(/^1 × /).waitFor();
  await dialog.getByRole('heading', { name: 'Admitted', exact: true }).waitFor();
  expect(new URL(page.url()).searchParams.get('pass'), 'the address leads to it').not.toBeNull();
  await expectAccessible(page);
  await row('late').getByRole('link').click();
  await page.getByRole('heading', { level: 1, name: 'late' }).waitFor();
  expect(complaints).toEqual([]);
});

test('a node is closed and opened, and drained until a deadline', async () => {
  const cluster = await makeCluster();
  await submitAll(cluster, 'runs', 'serves');
  const isOpen = async () => (await suite.owner.nodes(cluster.id)).find(({ name }) => name === 'one')?.schedulable;
  const { page, complaints } = await open(cluster, 'map');
  await page.getByRole('button', { name: 'one', exact: true }).click();
  await doAndStay(page, 'one takes nothing new.', page.getByRole('button', { name: 'Cordon' }));
  expect(await isOpen()).toBe(false);
  await undo(page, 'one takes nothing new.');
  expect(await isOpen()).toBe(true);
  await expectAccessible(page);

  await page.getByRole('button', { name: 'Drain', exact: true }).click();
  const form = page.getByRole('dialog', { name: 'Drain one' });
  await form.getByRole('radio', { name: /until a deadline/ }).check();
  await form.getByRole('textbox', { name: 'Minutes until then' }).fill('5');
  await expectAccessible(page);
  await form.getByRole('button', { name: 'Drain it' }).click();
  await told(page, 'one is being drained.').waitFor();
  await page.getByText(/1 still there\. Jobs that have not finished are stopped and queued again/).waitFor();
  await page.getByRole('button', { name: 'Open it again' }).click();
  await told(page, 'one is open again.').waitFor();
  await page.getByText('It is being drained').waitFor({ state: 'detached' });
  expect(await isOpen()).toBe(true);
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  expect(complaints).toEqual([]);
});

test('maintenance is planned, shown, and called off', async () => {
  const cluster = await makeCluster();
  const { page, complaints } = await open(cluster, 'map');
  await page.getByRole('button', { name: 'Plan maintenance' }).click();
  const form = page.getByRole('dialog', { name: 'Plan maintenance' });
  await form.getByRole('button', { name: 'Plan it' }).click();
  await form.getByRole('combobox', { name: 'Of' }).click();
  await page.getByRole('option', { name: 'two' }).click();
  await expectAccessible(page);
  await form.getByLabel('Begins').fill('2100-01-02T08:00');
  await form.getByLabel('Ends').fill('2100-01-01T08:00');
  await form.getByRole('textbox', { name: 'Reason' }).fill('new drivers');
  await form.getByRole('button', { name: 'Plan it' }).click();
  // What the server refuses stands at its field.
  await form.locator('.mantine-TextInput-error').first().waitFor();
  await form.getByLabel('Ends').fill('2100-01-02T10:00');
  await form.getByRole('button', { name: 'Plan it' }).click();
  await told(page, 'The maintenance is planned.').waitFor();
  await page.getByText(/Maintenance of two from .* until .*: new drivers/).waitFor();
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Call off' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Call it off' }).click();
  await page.getByText(/Maintenance of two/).waitFor({ state: 'detached' });
  const refused = complaints.filter((one) => !one.includes('400') && !one.includes('422'));
  expect(refused).toEqual([]);
});

test('a change of the policy is looked at before it is saved, and undone', async () => {
  const cluster = await makeCluster();
  await submitAll(cluster, 'runs', 'serves');
  await suite.owner.submit(cluster.id, { ...large, name: 'urgent', priority: 1 });
  const { page, complaints } = await open(cluster, 'policy');
  await page.getByText('What runs is left alone, whatever waits.').waitFor();
  await page.getByRole('button', { name: 'Change' }).click();
  expect(await page.getByRole('button', { name: 'Save' }).isDisabled(), 'nothing is changed yet').toBe(true);
  await page.getByRole('switch', { name: 'What runs is stopped for what is more urgent' }).check({ force: true });
  await page.getByRole('textbox', { name: 'Minutes that everything may run undisturbed' }).fill('0');
  await page.getByRole('button', { name: 'What would that change now?' }).click();
  await page.getByText('Would start besides: urgent.').waitFor();
  await page.getByRole('row', { name: 'That stop others 0 1' }).waitFor();
  await expectAccessible(page);
  const policyNow = async () => (await suite.owner.cluster(cluster.id)).policy.preemption;
  expect(await policyNow(), 'a preview saves nothing').toMatchObject({ enabled: false });

  await doAndStay(page, 'The policy is changed.', page.getByRole('button', { name: 'Save' }));
  await page.getByText(/What runs may be stopped for what is strictly more urgent/).waitFor();
  expect(await policyNow()).toEqual({ enabled: true, min_run_time_s: 0 });
  await undo(page, 'The policy is changed.');
  await page.getByText('What runs is left alone, whatever waits.').waitFor();
  expect(await policyNow()).toMatchObject({ enabled: false });
  expect(complaints).toEqual([]);
});

test('a cluster is deleted, with all that is in it, by who types its name', async () => {
  const cluster = await makeCluster();
  await submitAll(cluster, 'runs', 'serves', 'waits');
  const { page, complaints } = await open(cluster, 'policy');
  await page.getByRole('button', { name: 'Delete the cluster' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('1 that wait are withdrawn, and 2 that run are stopped first.').waitFor();
  const field = dialog.getByRole('textbox');
  await field.fill('something else');
  expect(await dialog.getByRole('button', { name: 'Delete it' }).isDisabled()).toBe(true);
  await expectAccessible(page);
  await field.fill(cluster.name);
  await dialog.getByRole('button', { name: 'Delete it' }).click();
  await told(page, `${cluster.name} is being deleted.`).waitFor();
  await page.getByRole('heading', { level: 1, name: 'Clusters' }).waitFor();
  await page.getByRole('main').getByText(cluster.name).waitFor({ state: 'detached' });
  await suite.owner.refused(404, 'GET', `/clusters/${cluster.id}`);
  // Who was just about to ask for more of it is told, rightly, that it is not there.
  const others = complaints.filter((one) => !(one.includes('404') && one.includes(cluster.id)));
  expect(others).toEqual([]);
});

test('a cluster that is a swarm is made of one that is known, and who has none is told how to add it', async () => {
  const { page } = await openPage(suite.context);
  const begin = async () => {
    await visit(page, `${suite.service.url}/clusters`);
    await page.getByRole('button', { name: 'New cluster' }).first().click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox', { name: 'Name' }).first().fill('swarm');
    await dialog.getByText('Docker Swarm', { exact: true }).click();
    return dialog;
  };
  const none = await begin();
  await none.getByText(/hv engine add .* --swarm/).waitFor();
  expect(await none.getByRole('textbox', { name: 'Memory, in GB' }).count()).toBe(0);
  expect(await none.getByRole('button', { name: 'Create' }).isDisabled()).toBe(true);
  await expectAccessible(page);

  // As one that was deleted since the list was read.
  const lab = {
    id: '0190a1b2-0000-7000-8000-000000000001',
    name: 'lab',
    address: 'tcp://192.0.2.1:2376',
    kind: 'swarm',
  };
  await page.route('**/api/v1/engines*', (route) => route.fulfill({ json: { items: [lab], next_cursor: null } }));
  const dialog = await begin();
  await dialog.getByRole('button', { name: 'Create' }).click();
  await dialog.getByText('Choose a swarm').waitFor();
  await dialog.getByRole('combobox', { name: 'Swarm' }).click();
  await page.getByRole('option', { name: 'lab (tcp://192.0.2.1:2376)' }).click();
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Create' }).click();
  await dialog.getByText(`names no swarm of the organization: ${lab.id}`).waitFor();
});
