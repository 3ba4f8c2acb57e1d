import { Button, MultiSelect, Select, SimpleGrid, Text, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconPlayerPlay, IconSearch } from '@tabler/icons-react';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import type { Deployment } from '../../../../src/sdk/types.gen.ts';
import { clustersQuery, type DeploymentFilter, deploymentsQuery } from '../../api/queries.ts';
import { Link } from '../../parts/link.tsx';
import { Page } from '../../parts/page.tsx';
import { Empty, PageLoading, ProblemAlert } from '../../parts/page-states.tsx';
import { StatusBadge, statuses } from '../../parts/status-badge.tsx';
import { Ago } from '../../parts/time.tsx';
import { type Column, VirtualTable } from '../../parts/virtual-table.tsx';
import { clusterChoices } from '../../text/cluster-choices.ts';
import { type DeploymentsSearch, kinds, sorts } from '../../text/deployments-search.ts';
import { formatAmounts } from '../../text/quantities.ts';

export function DeploymentsPage() {
  const search = useSearch({ from: '/app/deployments' });
  const navigate = useNavigate();
  const list = useInfiniteQuery(deploymentsQuery(filterOf(search)));
  const rows = list.data?.pages.flatMap(({ items }) => items) ?? [];
  return (
    <Page
      title="Deployments"
      actions={
        <Button component={Link} to="/submit" leftSection={<IconPlayerPlay size={16} />}>
          Submit
        </Button>
      }
    >
      <Filters search={search} />
      {list.error !== null && <ProblemAlert error={list.error} onRetry={() => void list.refetch()} />}
      {list.isPending && <PageLoading />}
      {list.isSuccess && rows.length === 0 && <Nothing search={search} />}
      {rows.length > 0 && (
        <VirtualTable
          label="Deployments"
          columns={columns}
          rows={rows}
          idOf={({ id }) => id}
          onOpen={({ id }) => void navigate({ to: '/deployments/$deploymentId', params: { deploymentId: id } })}
          onEnd={list.hasNextPage && !list.isFetchingNextPage ? () => void list.fetchNextPage() : undefined}
          isLoadingMore={list.isFetchingNextPage}
        />
      )}
    </Page>
  );
}

const columns: readonly Column<Deployment>[] = [
  {
    name: 'name',
    label: 'Name',
    width: 'minmax(180px, 2fr)',
    cell: ({ id, name }) => (
      <Text
        component={Link}
        to={`/deployments/${id}`}
        inherit
        fw={500}
        c="var(--mantine-color-anchor)"
        onClick={(event) => event.stopPropagation()}
      >
        {name}
      </Text>
    ),
  },
  { name: 'status', label: 'Status', width: '110px', cell: ({ status }) => <StatusBadge status={status} /> },
  { name: 'kind', label: 'Kind', width: '70px', cell: ({ kind }) => kind },
  { name: 'priority', label: 'Priority', width: '70px', cell: ({ priority }) => priority },
  {
    name: 'wants',
    label: 'Asks for',
    width: 'minmax(160px, 1fr)',
    cell: (one) =>
      `${one.replicas > 1 ? `${one.replicas} × ` : ''}${formatAmounts({ ram: one.ram_required, cpu: one.cpu_required, gpu: one.gpu_required })}`,
  },
  {
    name: 'why',
    label: 'Why',
    width: 'minmax(160px, 2fr)',
    cell: ({ reason, status }) => reason ?? (status === 'queued' ? 'in the queue' : ''),
  },
  { name: 'submitted', label: 'Submitted', width: '110px', cell: ({ created_at }) => <Ago at={created_at} /> },
];

function filterOf({ cluster, status, name, user, kind, sort }: DeploymentsSearch): DeploymentFilter {
  return {
    ...(cluster !== undefined && { cluster_id: cluster }),
    ...(status !== undefined && { status }),
    ...(name !== undefined && { name }),
    ...(user !== undefined && { submitted_by: user }),
    ...(kind !== undefined && { kind }),
    ...(sort !== undefined && { sort }),
  };
}

const sortLabels: Readonly<Record<(typeof sorts)[number], string>> = {
  '-created_at': 'Newest first',
  created_at: 'Oldest first',
  priority: 'Most urgent first',
  '-priority': 'Least urgent first',
};

function Filters({ search }: { readonly search: DeploymentsSearch }) {
  const navigate = useNavigate();
  const { data: clusters } = useQuery(clustersQuery);
  const [name, setName] = useState(search.name ?? '');
  const change = (changed: Partial<DeploymentsSearch>) =>
    void navigate({ to: '/deployments', search: { ...search, ...changed }, replace: true });
  const find = useDebouncedCallback((text: string) => change({ name: text === '' ? undefined : text }), 250);
  return (
    <SimpleGrid cols={{ base: 1, xs: 2, md: 5 }} spacing="sm">
      <TextInput
        aria-label="Name"
        placeholder="Part of the name"
        leftSection={<IconSearch size={16} />}
        value={name}
        onChange={({ currentTarget: { value } }) => {
          setName(value);
          find(value.trim());
        }}
      />
      <MultiSelect
        aria-label="Status"
        placeholder={search.status === undefined ? 'Any status' : ''}
        data={statuses}
        value={search.status?.split(',') ?? []}
        onChange={(chosen) => change({ status: chosen.length === 0 ? undefined : chosen.join(',') })}
        clearable
      />
      <Select
        aria-label="Cluster"
        placeholder="Any cluster"
        {...clusterChoices(clusters)}
        value={search.cluster ?? null}
        onChange={(cluster) => change({ cluster: cluster ?? undefined })}
        clearable
        searchable
      />
      <Select
        aria-label="Kind"
        placeholder="Jobs and services"
        data={kinds.map((kind) => ({ value: kind, label: kind === 'job' ? 'Jobs' : 'Services' }))}
        value={search.kind ?? null}
        onChange={(kind) => change({ kind: kind ?? undefined })}
        clearable
      />
      <Select
        aria-label="Order"
        data={sorts.map((sort) => ({ value: sort, label: sortLabels[sort] }))}
        value={search.sort ?? '-created_at'}
        onChange={(sort) => change({ sort: sort ?? undefined })}
        allowDeselect={false}
      />
    </SimpleGrid>
  );
}

function Nothing({ search }: { readonly search: DeploymentsSearch }) {
  const isFiltered = Object.values(search).some((value) => value !== undefined);
  if (isFiltered) {
    return (
      <Empty
        title="Nothing matches"
        action={
          <Button component={Link} to="/deployments" variant="default">
            Without filters
          </Button>
        }
      >
        There are no deployments with these filters.
      </Empty>
    );
  }
  return (
    <Empty
      title="Nothing was submitted yet"
      action={
        <Button component={Link} to="/submit">
          Submit the first one
        </Button>
      }
    >
      A deployment is a Docker image with what it needs. It waits until there is room, and runs.
    </Empty>
  );
}
