import { Group, Stack, Text, Title } from '@mantine/core';
import { type ReactNode, useEffect } from 'react';

interface PageProps {
  readonly title: string;
  /** Stands above the title: where one is. */
  readonly above?: ReactNode;
  readonly beside?: ReactNode;
  readonly about?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

/** The frame of every page: its title, in the window's too, what can be done, and what it shows. */
export function Page({ title, above, beside, about, actions, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · Hypervisor`;
  }, [title]);
  return (
    <Stack gap="md">
      <Stack gap={4}>
        {above}
        <Group justify="space-between" align="flex-start" gap="sm">
          <Group gap="sm">
            <Title order={1} size="h2" style={{ overflowWrap: 'anywhere' }}>
              {title}
            </Title>
            {beside}
          </Group>
          <Group gap="xs">{actions}</Group>
        </Group>
        {about !== undefined && (
          <Text c="dimmed" size="sm" component="div">
            {about}
          </Text>
        )}
      </Stack>
      {children}
    </Stack>
  );
}
