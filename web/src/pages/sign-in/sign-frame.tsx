import { Center, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { type ReactNode, useEffect } from 'react';

/** Around the pages of somebody who is not signed in yet. */
export function SignFrame({
  title,
  children,
  below,
}: {
  readonly title: string;
  readonly children: ReactNode;
  readonly below?: ReactNode;
}) {
  useEffect(() => {
    document.title = `${title} · Hypervisor`;
  }, [title]);
  return (
    <Center component="main" mih="100vh" p="md">
      <Stack maw={400} w="100%" gap="lg">
        <Group justify="center" gap="sm">
          <img src="/favicon.svg" alt="" width={36} height={36} />
          <Text fw={700} size="xl">
            Hypervisor
          </Text>
        </Group>
        <Paper withBorder p="xl">
          <Stack>
            <Title order={1} size="h3">
              {title}
            </Title>
            {children}
          </Stack>
        </Paper>
        <Text ta="center" size="sm" component="div">
          {below}
        </Text>
      </Stack>
    </Center>
  );
}
