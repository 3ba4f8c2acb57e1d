/** The rules of the cluster in sentences; who may changes them, and sees what a change would do first. */
import { Button, Group, Paper, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { useState } from 'react';
import type { Cluster } from '../../../../../src/sdk/types.gen.ts';
import { useMay } from '../../../parts/may.ts';
import { DeleteCluster } from './delete-cluster.tsx';
import { PolicyForm } from './policy-form.tsx';
import { policyInWords } from './policy-words.ts';
import { RenameCluster } from './rename-cluster.tsx';

export default function PolicyTab({ cluster }: { readonly cluster: Cluster }) {
  const may = useMay('admin');
  const [isEdited, setEdited] = useState(false);
  if (isEdited) return <PolicyForm cluster={cluster} onDone={() => setEdited(false)} />;
  return (
    <Stack gap="lg">
      <Group justify="space-between">
        <Text size="sm" c="dimmed">
          By these rules the scheduler decides who starts.
        </Text>
        {may && (
          <Button variant="default" onClick={() => setEdited(true)}>
            Change
          </Button>
        )}
      </Group>
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        {policyInWords(cluster.policy).map(({ title, text }) => (
          <Paper key={title} withBorder p="md">
            <Title order={2} size="h5" mb={4}>
              {title}
            </Title>
            <Text size="sm">{text}</Text>
          </Paper>
        ))}
      </SimpleGrid>
      <AllowedPaths cluster={cluster} />
      {may && (
        <Group gap="xs">
          <RenameCluster cluster={cluster} />
          <DeleteCluster cluster={cluster} />
        </Group>
      )}
    </Stack>
  );
}

function AllowedPaths({ cluster: { allowed_host_paths: paths, runtime } }: { readonly cluster: Cluster }) {
  if (runtime === 'simulated') return null;
  return (
    <Text size="sm" c="dimmed">
      {paths.length === 0
        ? 'Deployments may use no directories of the machines.'
        : `Directories of the machines that deployments may use: ${paths.map(({ path, read_only: isReadOnly }) => `${path}${isReadOnly ? ' (to read)' : ''}`).join(', ')}.`}
    </Text>
  );
}
