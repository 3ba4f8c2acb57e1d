import { Anchor, Badge, Button, Group, Select, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { createVolume, deleteVolume } from '../../../../src/sdk/index.ts';
import type { Volume } from '../../../../src/sdk/types.gen.ts';
import { ask } from '../../api/client.ts';
import { volumesList } from '../../api/people-queries.ts';
import { clustersQuery } from '../../api/queries.ts';
import { sayDone } from '../../parts/feedback.tsx';
import { useFormDeed } from '../../parts/form.tsx';
import { Link } from '../../parts/link.tsx';
import { useMay } from '../../parts/may.ts';
import { Empty } from '../../parts/page-states.tsx';
import { Ago } from '../../parts/time.tsx';
import { clusterChoices } from '../../text/cluster-choices.ts';
import { formatBytes } from '../../text/quantities.ts';
import { MakeDialog } from './make-dialog.tsx';
import { PagedTable } from './paged-table.tsx';
import { RemovalButton } from './removal-button.tsx';
import { TabHead } from './tab-head.tsx';

export default function Volumes() {
  const list = useInfiniteQuery(volumesList);
  const { data: clusters } = useQuery(clustersQuery);
  const may = useMay('developer');
  const clusterName = (id: string) => clusters?.items.find((one) => one.id === id)?.name ?? '';
  return (
    <>
      <TabHead
        about="Data that outlives deployments. A volume is in one cluster, and deployments there use it by name."
        action={may && <MakeDialog title="Add a volume">{(close) => <VolumeForm onClose={close} />}</MakeDialog>}
      />
      <PagedTable
        label="Volumes"
        list={list}
        idOf={({ id }) => id}
        empty={
          <Empty title="No volumes">What is to be there still when a deployment has ended belongs into one.</Empty>
        }
        columns={[
          {
            name: 'name',
            label: 'Name',
            width: 'minmax(140px, 1fr)',
            cell: ({ name, status }) => (
              <>
                {name} {status === 'deleting' && <Badge color="gray">is being deleted</Badge>}
              </>
            ),
          },
          { name: 'cluster', label: 'Cluster', width: '140px', cell: ({ cluster_id: id }) => clusterName(id) },
          {
            name: 'size',
            label: 'Size',
            width: '100px',
            cell: ({ size_bytes: size }) => (size === null ? 'not known' : formatBytes(size)),
          },
          { name: 'users', label: 'Used by', width: 'minmax(160px, 2fr)', cell: (volume) => <Users volume={volume} /> },
          { name: 'made', label: 'Made', width: '110px', cell: ({ created_at: at }) => <Ago at={at} /> },
          {
            name: 'delete',
            label: '',
            width: '90px',
            cell: ({ id, name, status }) =>
              may &&
              status === 'ready' && (
                <RemovalButton
                  verb="Delete"
                  title={`Delete ${name}?`}
                  text="All that it holds is deleted with it, for good."
                  said={`${name} is deleted.`}
                  run={() => ask(deleteVolume({ path: { id } }))}
                />
              ),
          },
        ]}
      />
    </>
  );
}

function Users({ volume: { used_by: users } }: { readonly volume: Volume }) {
  if (users.length === 0)
    return (
      <Text span inherit c="dimmed">
        nobody
      </Text>
    );
  return users.map(({ id, name }, index) => (
    <span key={id}>
      {index > 0 && ', '}
      <Anchor component={Link} to={`/deployments/${id}`} inherit>
        {name}
      </Anchor>
    </span>
  ));
}

function VolumeForm({ onClose }: { readonly onClose: () => void }) {
  const queries = useQueryClient();
  const { data: clusters } = useQuery(clustersQuery);
  const form = useForm({ initialValues: { cluster_id: clusters?.items[0]?.id ?? '', name: '' } });
  const deed = useFormDeed(form, async (body) => {
    await ask(createVolume({ body }));
    void queries.invalidateQueries({ queryKey: ['people', 'volumes'] });
    sayDone(`${body.name} was added.`);
    onClose();
  });
  return (
    <form onSubmit={deed.onSubmit}>
      <Stack>
        <Select
          label="Cluster"
          required
          {...clusterChoices(clusters)}
          allowDeselect={false}
          searchable
          {...form.getInputProps('cluster_id')}
        />
        <TextInput label="Name" required data-autofocus {...form.getInputProps('name')} />
        <Group justify="flex-end">
          <Button type="submit" loading={deed.isPending}>
            Add
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
