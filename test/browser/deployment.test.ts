/** What a person does with a deployment that is there: returns to a revision, tries again, submits another like it. */
import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { type Cluster, type DeploymentDetail, until } from '../conformance/client.ts';
import { expectAccessible, openPage, signInAs, visit } from '../support/dashboard.ts';
import { dashboardSuite } from '../support/dashboard-suite.ts';

const suite = dashboardSuite();
let cluster: Cluster;

beforeAll(async () => {
  cluster = await suite.owner.createCluster({ name: 'lab' });
  await signInAs(suite.context, suite.owner);
});

const framed = (page: Page, text: string | RegExp) => page.locator('.mantine-Paper-root').filter({ hasText: text });

test('the revisions of a service are listed with what changed, and one returns to an earlier one', async () => {
  const { id } = await suite.owner.submit(cluster.id, {
    name: 'web',
    docker_image: 'simulated/web:1',
    env: { MODE: 'old' },
  });
  await suite.owner.became(id, 'running');
  const { page, complaints } = await openPage(suite.context);
  await visit(page, `${suite.service.url}/deployments/${id}?tab=revisions`);
  await framed(page, /^Revision 1wanted/).waitFor();

  await suite.owner.call('POST', `/deployments/${id}/update`, {
    docker_image: 'simulated/web:2',
    env_set: { MODE: 'new' },
  });
  const second = framed(page, /^Revision 2/);
  await second.getByText('wanted', { exact: true }).waitFor();
  await second.getByRole('row', { name: /docker_image simulated\/web:1 → simulated\/web:2/ }).waitFor();
  await second.getByRole('row', { name: /env\.MODE old → new/ }).waitFor();
  await second.getByText('proven', { exact: true }).waitFor();
  await expectAccessible(page);

  expect(await second.getByRole('button').count()).toBe(0);
  await framed(page, /^Revision 1/)
    .getByRole('button', { name: 'Return to it' })
    .click();
  await page.getByRole('dialog').getByRole('button', { name: 'Return to it' }).click();
  await page.getByText('web returns to revision 1.').waitFor();
  await framed(page, /^Revision 1wanted/).waitFor();
  await page.getByText('Service of simulated/web:1').waitFor();
  expect(await suite.owner.deployment(id)).toMatchObject({ revision: 1, env: { MODE: 'old' } });
  expect(complaints).toEqual([]);
});

/** What makes one deployment like another. */
const like = ({ kind, docker_image, ram_required, cpu_required, env }: DeploymentDetail) => ({
  kind,
  docker_image,
  ram_required,
  cpu_required,
  env,
});

test('what has failed is tried again, and another like it is submitted', async () => {
  const { id } = await suite.owner.submit(cluster.id, {
    name: 'flaky',
    kind: 'job',
    docker_image: 'simulated/flaky',
    ram_required: 2,
    env: { SIM_RUN_MS: '0', SIM_EXIT_CODE: '3' },
  });
  await suite.owner.became(id, 'failed');
  const { page, complaints } = await openPage(suite.context);
  await visit(page, `${suite.service.url}/deployments/${id}`);
  await framed(page, /^Attempt1$/).waitFor();
  await page.getByRole('button', { name: 'Retry' }).click();
  await page.getByText('flaky is queued again.').waitFor();
  await framed(page, /^Attempt2$/).waitFor();
  await until('it has failed a second time', async () => {
    const { attempt, status } = await suite.owner.deployment(id);
    return attempt === 2 && status === 'failed';
  });
  await page.getByRole('button', { name: 'Retry' }).waitFor();

  await page.getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: 'Submit another like it' }).click();
  await page.getByRole('heading', { level: 1, name: 'Submit' }).waitFor();
  expect(await page.getByRole('textbox', { name: 'Image' }).inputValue()).toBe('simulated/flaky');
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('twin');
  await page.keyboard.press('Control+Enter');
  await page.getByRole('heading', { level: 1, name: 'twin' }).waitFor();
  const twinId = new URL(page.url()).pathname.split('/').at(-1) ?? '';
  expect(like(await suite.owner.deployment(twinId))).toEqual(like(await suite.owner.deployment(id)));
  expect(twinId).not.toBe(id);
  expect(complaints).toEqual([]);
});
