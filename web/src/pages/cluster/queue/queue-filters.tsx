import { Group, Select, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconSearch } from '@tabler/icons-react';
import { useQuery, useSuspenseQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { membersQuery, meQuery } from '../../../api/queries.ts';
import type { ClusterSearch } from '../../../text/cluster-search.ts';

interface QueueFiltersProps {
  readonly user: string | undefined;
  readonly name: string | undefined;
  readonly onChange: (changed: ClusterSearch) => void;
}

export function QueueFilters({ user, name, onChange }: QueueFiltersProps) {
  const { data: me } = useSuspenseQuery(meQuery);
  const { data: members } = useQuery(membersQuery(me.organization?.id ?? ''));
  const [typed, setTyped] = useState(name ?? '');
  const find = useDebouncedCallback((text: string) => onChange({ name: text === '' ? undefined : text }), 250);
  return (
    <Group gap="sm">
      <TextInput
        aria-label="Name"
        placeholder="Part of the name"
        leftSection={<IconSearch size={16} />}
        value={typed}
        onChange={({ currentTarget: { value } }) => {
          setTyped(value);
          find(value.trim());
        }}
      />
      <Select
        aria-label="Submitted by"
        placeholder="Anybody"
        data={(members?.items ?? []).map(({ user_id: id, username }) => ({
          value: id,
          label: id === me.user.id ? `${username} (you)` : username,
        }))}
        value={user ?? null}
        onChange={(id) => onChange({ user: id ?? undefined })}
        clearable
        searchable
      />
    </Group>
  );
}
