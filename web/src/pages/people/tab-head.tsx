import { Group, Text } from '@mantine/core';
import type { ReactNode } from 'react';

/** What a tab is about, and what can be made there. */
export function TabHead({ about, action }: { readonly about: ReactNode; readonly action?: ReactNode }) {
  return (
    <Group justify="space-between" align="flex-start" mb="md" gap="sm">
      <Text size="sm" c="dimmed" component="div" maw={640}>
        {about}
      </Text>
      {action}
    </Group>
  );
}
