/** Who I am here, and how I get in. */
import {
  Anchor,
  Paper,
  SegmentedControl,
  SimpleGrid,
  Stack,
  Table,
  Text,
  Title,
  useMantineColorScheme,
} from '@mantine/core';
import { useSuspenseQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { meQuery } from '../../api/queries.ts';
import { Link } from '../../parts/link.tsx';
import { Page } from '../../parts/page.tsx';
import { Ago } from '../../parts/time.tsx';
import { PasswordForm } from './password-form.tsx';
import { Sessions } from './sessions.tsx';

export function AccountPage() {
  return (
    <Page title="Account">
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
        <Section title="Who you are">
          <Identity />
        </Section>
        <Section title="Password">
          <PasswordForm />
        </Section>
        <Section title="Colours">
          <Colours />
        </Section>
        <Section title="API tokens">
          <Text size="sm">
            Programs use tokens instead of your password.{' '}
            <Anchor component={Link} to="/people?tab=tokens" inherit underline="always">
              Make or revoke them at People
            </Anchor>
            .
          </Text>
        </Section>
      </SimpleGrid>
      <Sessions />
    </Page>
  );
}

function Section({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <Paper withBorder p="md" component="section" aria-label={title}>
      <Stack gap="sm">
        <Title order={2} size="h4">
          {title}
        </Title>
        {children}
      </Stack>
    </Paper>
  );
}

function Identity() {
  const { data: me } = useSuspenseQuery(meQuery);
  const rows: readonly (readonly [string, ReactNode])[] = [
    ['Username', me.user.username],
    ['E-mail', me.user.email],
    ['Since', <Ago key="since" at={me.user.created_at} />],
    ['Organizations', me.organizations.map(({ name, role }) => `${name} (${role})`).join(', ')],
    ...(me.user.operator ? ([['This installation', 'You operate it.']] as const) : []),
  ];
  return (
    <Table variant="vertical" withRowBorders={false}>
      <Table.Tbody>
        {rows.map(([label, value]) => (
          <Table.Tr key={label}>
            <Table.Th w={130}>{label}</Table.Th>
            <Table.Td style={{ overflowWrap: 'anywhere' }}>{value}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function Colours() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <SegmentedControl
      aria-label="Colours"
      data={[
        { value: 'light', label: 'Light' },
        { value: 'dark', label: 'Dark' },
        { value: 'auto', label: 'As the system' },
      ]}
      value={colorScheme}
      onChange={(value) => setColorScheme(value === 'light' || value === 'dark' ? value : 'auto')}
    />
  );
}
