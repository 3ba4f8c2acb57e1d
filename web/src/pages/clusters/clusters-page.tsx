/** The clusters of the organization: how much there is, how much of it is allocated, how many wait. */
import { Button, SimpleGrid, Text, TextInput } from '@mantine/core';
import { IconPlus, IconSearch } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { Cluster } from '../../../../src/sdk/types.gen.ts';
import { clustersQuery } from '../../api/queries.ts';
import { useMay } from '../../parts/may.ts';
import { Page } from '../../parts/page.tsx';
import { Empty, PageLoading, ProblemAlert } from '../../parts/page-states.tsx';
import { ClusterTile } from '../overview/cluster-tile.tsx';
import { CreateCluster } from './create-cluster.tsx';

/** From so many on, a field to find one by its name helps more than it takes. */
const findFrom = 7;
/** As many as one looks through; each draws what became of it, and asks for that. */
const tilesMax = 60;

export function ClustersPage() {
  const search = useSearch({ from: '/app/clusters' });
  const navigate = useNavigate();
  const may = useMay('admin');
  const found = useQuery(clustersQuery);
  const clusters = found.data?.items ?? [];
  const change = (changed: typeof search) =>
    void navigate({ to: '/clusters', search: { ...search, ...changed }, replace: true });
  const create = may && (
    <Button leftSection={<IconPlus size={16} />} onClick={() => change({ new: 'cluster' })}>
      New cluster
    </Button>
  );
  return (
    <Page title="Clusters" actions={clusters.length > 0 && create}>
      {clusters.length >= findFrom && (
        <TextInput
          aria-label="Name"
          placeholder="Part of the name"
          leftSection={<IconSearch size={16} />}
          maw={280}
          value={search.name ?? ''}
          onChange={({ currentTarget: { value } }) => change({ name: value === '' ? undefined : value })}
        />
      )}
      {found.error !== null && <ProblemAlert error={found.error} onRetry={() => void found.refetch()} />}
      {found.isPending && <PageLoading />}
      {found.isSuccess && clusters.length === 0 && (
        <Empty title="There is no cluster yet" action={create}>
          A cluster is a pool of machines of fixed size: memory, CPU and GPUs that the organization shares.
          {!may && ' An admin of the organization can make one.'}
        </Empty>
      )}
      <Tiles clusters={clusters} isWhole={found.data?.next_cursor == null} name={search.name} />
      {may && <CreateCluster isOpen={search.new !== undefined} onClose={() => change({ new: undefined })} />}
    </Page>
  );
}

interface TilesProps {
  readonly clusters: readonly Cluster[];
  readonly isWhole: boolean;
  readonly name?: string | undefined;
}

function Tiles({ clusters, isWhole, name = '' }: TilesProps) {
  const shown = clusters.filter((cluster) => cluster.name.toLowerCase().includes(name.toLowerCase()));
  if (clusters.length > 0 && shown.length === 0)
    return <Empty title="Nothing matches">There is no cluster with this in its name.</Empty>;
  return (
    <>
      <SimpleGrid cols={{ base: 1, sm: 2, xl: 3 }}>
        {shown.slice(0, tilesMax).map((cluster) => (
          <ClusterTile key={cluster.id} cluster={cluster} />
        ))}
      </SimpleGrid>
      {(shown.length > tilesMax || !isWhole) && (
        <Text size="sm" c="dimmed">
          There are more than are shown: find them by their name.
        </Text>
      )}
    </>
  );
}
