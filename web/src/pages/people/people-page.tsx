/** Who is in the organization, what it keeps for its deployments, and who did what. */
import { Tabs } from '@mantine/core';
import { useSuspenseQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { type ComponentType, lazy, Suspense } from 'react';
import type { Role } from '../../../../src/sdk/types.gen.ts';
import { meQuery } from '../../api/queries.ts';
import { useMay } from '../../parts/may.ts';
import { Page } from '../../parts/page.tsx';
import { Empty, PageLoading } from '../../parts/page-states.tsx';

interface Tab {
  readonly value: string;
  readonly label: string;
  readonly role: Role;
  readonly Panel: ComponentType<{ readonly organizationId: string }>;
}

const tabs: readonly Tab[] = [
  { value: 'members', label: 'Members', role: 'viewer', Panel: lazy(() => import('./members.tsx')) },
  { value: 'invites', label: 'Invites', role: 'admin', Panel: lazy(() => import('./invites.tsx')) },
  { value: 'tokens', label: 'API tokens', role: 'viewer', Panel: lazy(() => import('./tokens.tsx')) },
  { value: 'secrets', label: 'Secrets', role: 'developer', Panel: lazy(() => import('./secrets.tsx')) },
  { value: 'registries', label: 'Registries', role: 'admin', Panel: lazy(() => import('./registries.tsx')) },
  { value: 'volumes', label: 'Volumes', role: 'viewer', Panel: lazy(() => import('./volumes.tsx')) },
  { value: 'webhooks', label: 'Webhooks', role: 'admin', Panel: lazy(() => import('./webhooks.tsx')) },
  { value: 'audit', label: 'Audit', role: 'viewer', Panel: lazy(() => import('./audit.tsx')) },
];

export function PeoplePage() {
  const { tab = 'members' } = useSearch({ from: '/app/people' });
  const { data: me } = useSuspenseQuery(meQuery);
  const navigate = useNavigate();
  const may = { viewer: true, developer: useMay('developer'), admin: useMay('admin'), owner: useMay('owner') };
  if (me.organization === null) return null;
  const { id, name } = me.organization;
  // What the role does not allow is not offered; who was sent an address of it is told why.
  const offered = tabs.filter(({ value, role }) => may[role] || value === tab);
  return (
    <Page title="People" about={`The organization ${name}: you are ${me.organization.role} in it.`}>
      <Tabs
        value={tab}
        onChange={(to) => void navigate({ to: '/people', search: to === null || to === 'members' ? {} : { tab: to } })}
        keepMounted={false}
      >
        <Tabs.List mb="md">
          {offered.map(({ value, label }) => (
            <Tabs.Tab key={value} value={value}>
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {offered.map(({ value, role, Panel }) => (
          <Tabs.Panel key={value} value={value}>
            <Suspense fallback={<PageLoading />}>
              {may[role] ? (
                <Panel organizationId={id} key={id} />
              ) : (
                <Empty title={`This needs the role ${role}`}>An admin of the organization can give it to you.</Empty>
              )}
            </Suspense>
          </Tabs.Panel>
        ))}
      </Tabs>
    </Page>
  );
}
