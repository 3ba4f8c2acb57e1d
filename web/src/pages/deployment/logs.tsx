/** What its containers say, live: all replicas or one, searched, downloaded. */
import { Button, Checkbox, Group, NumberInput, Select, Stack, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconDownload, IconSearch } from '@tabler/icons-react';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import type { DeploymentDetail } from '../../../../src/sdk/types.gen.ts';
import { ProblemAlert } from '../../parts/page-states.tsx';
import { LogView } from './log-view.tsx';
import { useLog } from './use-log.ts';

export default function Logs({ deployment }: { readonly deployment: DeploymentDetail }) {
  const search = useSearch({ from: '/app/deployments/$deploymentId' });
  const navigate = useNavigate();
  const [text, setText] = useState('');
  const [wanted] = useDebouncedValue(text.trim().toLowerCase(), 150);
  const [isFollowing, setIsFollowing] = useState(true);
  const [withTimes, setWithTimes] = useState(false);
  const replica = search.replica ?? 'all';
  const attempt = Number(search.attempt ?? deployment.attempt);
  const log = useLog({ deploymentId: deployment.id, replica, attempt });
  const lines = useMemo(
    () => (wanted === '' ? log.lines : log.lines.filter((line) => line.text.toLowerCase().includes(wanted))),
    [log.lines, wanted],
  );
  const show = (changed: { replica?: string; attempt?: string }) =>
    void navigate({
      to: '/deployments/$deploymentId',
      params: { deploymentId: deployment.id },
      search: { ...search, ...changed },
      replace: true,
    });
  const query = new URLSearchParams({ replica, attempt: String(attempt) });
  return (
    <Stack gap="sm">
      <Group gap="sm" align="flex-end">
        <TextInput
          aria-label="Search in the log"
          placeholder="Only lines with"
          leftSection={<IconSearch size={16} />}
          value={text}
          onChange={({ currentTarget }) => setText(currentTarget.value)}
        />
        {deployment.replicas > 1 && (
          <Select
            aria-label="Replica"
            w={160}
            allowDeselect={false}
            value={replica}
            data={[
              { value: 'all', label: 'All replicas' },
              ...Array.from({ length: deployment.replicas }, (_, index) => ({
                value: String(index),
                label: `Replica ${index}`,
              })),
            ]}
            onChange={(value) => show({ replica: value ?? 'all' })}
          />
        )}
        {deployment.attempt > 1 && (
          <NumberInput
            aria-label="Attempt"
            prefix="Attempt "
            w={130}
            min={1}
            max={deployment.attempt}
            value={attempt}
            onChange={(value) => show({ attempt: String(value) })}
          />
        )}
        <Checkbox
          label="Follow"
          checked={isFollowing}
          onChange={({ currentTarget }) => setIsFollowing(currentTarget.checked)}
          mb={8}
        />
        <Checkbox
          label="Times"
          checked={withTimes}
          onChange={({ currentTarget }) => setWithTimes(currentTarget.checked)}
          mb={8}
        />
        <Button
          component="a"
          href={`/api/v1/deployments/${deployment.id}/logs?${query.toString()}`}
          download={`${deployment.name}.log`}
          variant="default"
          leftSection={<IconDownload size={16} />}
        >
          Download
        </Button>
      </Group>
      {log.error !== null && <ProblemAlert error={log.error} onRetry={log.again} />}
      <LogView
        lines={lines}
        withReplica={replica === 'all' && deployment.replicas > 1}
        withTimes={withTimes}
        isFollowing={isFollowing}
        onLeaveEnd={() => setIsFollowing(false)}
        nothing={wanted === '' ? (log.isOver ? 'It said nothing.' : 'Nothing was said yet.') : 'No line has this.'}
      />
      <Text size="xs" c="dimmed" role="status">
        {log.isOver ? 'This is all of it.' : 'New lines appear as they are written.'}
        {log.dropped > 0 && ` The first ${log.dropped} lines are not shown; the download has them.`}
      </Text>
    </Stack>
  );
}
