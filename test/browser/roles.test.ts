/** What each role finds in the dashboard: all that it may do, and nothing that it would be refused. */
import type { Locator, Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { type Cluster, type Deployment, newMember, type Role } from '../conformance/client.ts';
import { goTo, loaded, openPage, signInAs, visit } from '../support/dashboard.ts';
import { dashboardSuite } from '../support/dashboard-suite.ts';

const suite = dashboardSuite();
let cluster: Cluster;
let web: Deployment;
let waiting: Deployment;

beforeAll(async () => {
  cluster = await suite.owner.createCluster({ name: 'lab', nodes: [{ name: 'one', ram: 8, cpu: 8 }] });
  web = await suite.owner.submit(cluster.id, { name: 'web', docker_image: 'simulated/web:1' });
  await suite.owner.became(web.id, 'running');
  await suite.owner.call('POST', `/deployments/${web.id}/update`, { docker_image: 'simulated/web:2' });
  waiting = await suite.owner.submit(cluster.id, { name: 'patient', kind: 'job', ram_required: 8, cpu_required: 8 });
  await suite.owner.call('POST', '/secrets', { name: 'api_key', value: 'a value' });
  await suite.owner.call('POST', '/volumes', { cluster_id: cluster.id, name: 'results' });
});

const ascending: readonly Role[] = ['viewer', 'developer', 'admin', 'owner'];
const isEnough = (own: Role, needed: Role) => ascending.indexOf(own) >= ascending.indexOf(needed);

interface Place {
  readonly path: () => string;
  /** What everybody sees there once it is loaded. */
  readonly shows: (page: Page) => Locator;
  /** What is there for some only: from which role on. */
  readonly deeds: readonly (readonly [Role, 'button' | 'link' | 'checkbox' | 'tab' | 'textbox', string])[];
}

const places: readonly Place[] = [
  { path: () => '/', shows: (page) => page.getByRole('main').getByText('lab').first(), deeds: [] },
  {
    path: () => '/clusters',
    // The page before it has the name, too.
    shows: (page) =>
      page
        .getByRole('main')
        .filter({ has: page.getByRole('heading', { name: 'Clusters', level: 1 }) })
        .getByText('lab')
        .first(),
    deeds: [['admin', 'button', 'New cluster']],
  },
  {
    path: () => `/clusters/${cluster.id}`,
    shows: (page) => page.getByRole('list', { name: 'Nodes' }).getByRole('button', { name: 'one', exact: true }),
    deeds: [
      ['admin', 'button', 'Plan maintenance'],
      ['admin', 'button', 'Add a node'],
    ],
  },
  {
    path: () => `/clusters/${cluster.id}?tab=queue`,
    shows: (page) => page.getByRole('row').filter({ hasText: 'patient' }),
    deeds: [
      ['developer', 'button', 'Schedule now'],
      ['developer', 'button', 'What would it decide?'],
      ['developer', 'checkbox', 'Select patient'],
    ],
  },
  {
    path: () => `/clusters/${cluster.id}?tab=policy`,
    shows: (page) => page.getByText('What runs is left alone, whatever waits.'),
    deeds: [
      ['admin', 'button', 'Change'],
      ['admin', 'button', 'Rename'],
      ['admin', 'button', 'Delete the cluster'],
    ],
  },
  {
    path: () => `/deployments/${waiting.id}`,
    shows: (page) => page.getByText(/Waits, as number 1/),
    deeds: [
      ['developer', 'button', 'Withdraw'],
      ['developer', 'button', 'Raise its priority'],
      ['developer', 'button', 'More'],
    ],
  },
  {
    path: () => `/deployments/${web.id}?tab=revisions`,
    shows: (page) => page.getByText('Revision 2', { exact: true }),
    deeds: [
      ['developer', 'button', 'Stop'],
      ['developer', 'button', 'Return to it'],
    ],
  },
  {
    path: () => `/deployments/${web.id}?tab=terminal`,
    shows: (page) => page.getByText('Not as a viewer').or(page.getByRole('button', { name: 'Open', exact: true })),
    deeds: [['developer', 'button', 'Open']],
  },
  {
    path: () => '/submit',
    shows: (page) => page.getByText('This needs the role developer').or(page.getByRole('textbox', { name: 'Image' })),
    deeds: [['developer', 'textbox', 'Image']],
  },
  {
    path: () => '/people',
    shows: (page) => page.getByRole('cell', { name: 'owner', exact: true }),
    deeds: [
      ['admin', 'link', 'Invite somebody'],
      ['admin', 'tab', 'Invites'],
      ['developer', 'tab', 'Secrets'],
      ['admin', 'tab', 'Registries'],
      ['viewer', 'tab', 'Volumes'],
      ['admin', 'tab', 'Webhooks'],
      ['viewer', 'tab', 'Audit'],
    ],
  },
  {
    path: () => '/people?tab=secrets',
    shows: (page) => page.getByText('This needs the role developer').or(page.getByText('api_key', { exact: true })),
    deeds: [
      ['admin', 'button', 'Add a secret'],
      ['admin', 'button', 'New value for api_key'],
    ],
  },
  {
    path: () => '/people?tab=volumes',
    shows: (page) => page.getByRole('row').filter({ hasText: 'results' }),
    deeds: [
      ['developer', 'button', 'Add a volume'],
      ['developer', 'button', 'Delete'],
    ],
  },
  {
    path: () => '/people?tab=webhooks',
    shows: (page) => page.getByText('This needs the role admin').or(page.getByText('No webhooks')),
    deeds: [['admin', 'button', 'Add a webhook']],
  },
  {
    path: () => '/people?tab=tokens',
    shows: (page) => page.getByText('No tokens'),
    deeds: [['viewer', 'button', 'Make a token']],
  },
  { path: () => '/people?tab=audit', shows: (page) => page.getByRole('row').nth(1), deeds: [] },
  { path: () => '/account', shows: (page) => page.getByText('Where you are signed in'), deeds: [] },
];

async function lookAround(page: Page, role: Role): Promise<void> {
  for (const { path, shows, deeds } of places) {
    await goTo(page, path());
    await shows(page).waitFor();
    await loaded(page);
    const problems = page.getByRole('alert').filter({ hasText: /did not work|Not allowed|has a mistake|Not found/ });
    expect(await problems.allInnerTexts(), path()).toEqual([]);
    const found = await Promise.all(
      deeds.map(async ([, kind, name]) => [name, (await page.getByRole(kind, { name, exact: true }).count()) > 0]),
    );
    expect(Object.fromEntries(found), `${role} at ${path()}`).toEqual(
      Object.fromEntries(deeds.map(([needed, , name]) => [name, isEnough(role, needed)])),
    );
  }
}

/** Something that this role may do and the one below may not; nothing for who may only look. */
const doneBy: Readonly<Partial<Record<Role, (page: Page) => Promise<void>>>> = {
  async developer(page) {
    await goTo(page, `/deployments/${waiting.id}`);
    await page.getByRole('button', { name: 'Lower its priority' }).click();
    await page.getByText('patient has priority 51 now.').waitFor();
  },
  async admin(page) {
    await goTo(page, `/clusters/${cluster.id}`);
    await page.getByRole('button', { name: 'one', exact: true }).click();
    await page.getByRole('button', { name: 'Cordon' }).click();
    await page.getByText('one takes nothing new.').waitFor();
  },
};

test.each(['viewer', 'developer', 'admin'] as const)('%s', async (role) => {
  await signInAs(suite.context, await newMember(suite.owner, role));
  const { page, complaints } = await openPage(suite.context);
  await visit(page, `${suite.service.url}/deployments`);
  await page.getByRole('row').filter({ hasText: 'patient' }).waitFor();
  await lookAround(page, role);
  await doneBy[role]?.(page);
  expect(complaints).toEqual([]);
});
