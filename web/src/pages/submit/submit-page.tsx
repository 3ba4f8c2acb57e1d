/** Where deployments are made: a form and its YAML, each of which edits the other, and what the scheduler would do. */
import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { stringify } from 'yaml';
import type { Cluster } from '../../../../src/sdk/types.gen.ts';
import { clustersQuery, deploymentQuery } from '../../api/queries.ts';
import { Link } from '../../parts/link.tsx';
import { useMay } from '../../parts/may.ts';
import { Page } from '../../parts/page.tsx';
import { Empty, PageLoading, ProblemAlert } from '../../parts/page-states.tsx';
import { draftOf } from './draft-of.ts';
import { Workbench } from './workbench.tsx';

export function SubmitPage() {
  const { from, cluster: wanted } = useSearch({ from: '/app/submit' });
  const clusters = useQuery(clustersQuery);
  const original = useQuery({ ...deploymentQuery(from ?? ''), enabled: from !== undefined });
  const may = useMay('developer');
  if (!may) {
    return (
      <Page title="Submit">
        <Empty title="This needs the role developer">
          You may look at everything. An admin of the organization can give you that role, at People.
        </Empty>
      </Page>
    );
  }
  const error = clusters.error ?? original.error;
  if (error !== null) return <ProblemAlert error={error} onRetry={() => void clusters.refetch()} />;
  if (clusters.data === undefined || (from !== undefined && original.data === undefined)) return <PageLoading />;
  const known = clusters.data.items;
  if (known.length === 0) return <NoCluster />;
  const { data: copied } = original;
  const text =
    copied === undefined
      ? beginning(known.find(({ id }) => id === wanted) ?? (known.length === 1 ? known[0] : undefined))
      : draftOf(copied, known.find(({ id }) => id === copied.cluster_id)?.name ?? copied.cluster_id);
  return <Workbench key={`${from} ${wanted}`} beginning={text} clusters={known} />;
}

function beginning(cluster: Cluster | undefined): string {
  const needs = { ram_required: 1, cpu_required: 1 };
  return stringify(cluster === undefined ? needs : { cluster: cluster.name, ...needs });
}

function NoCluster() {
  return (
    <Page title="Submit">
      <Empty
        title="There is no cluster yet"
        action={
          <Button component={Link} to="/clusters">
            Make a cluster
          </Button>
        }
      >
        A deployment runs in a cluster: machines of a fixed size that the organization shares.
      </Empty>
    </Page>
  );
}
