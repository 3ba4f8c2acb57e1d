import { Center, Paper, Stack, Text, Title } from '@mantine/core';
import { OrganizationForm } from './new-organization.tsx';

/** For an account that is in no organization: nothing else can be shown. */
export function FirstOrganization() {
  return (
    <Center mih="100vh" p="md">
      <Paper withBorder p="xl" maw={440} w="100%">
        <Stack>
          <Title order={1} size="h2">
            Your organization
          </Title>
          <Text c="dimmed" size="sm">
            Clusters and deployments belong to an organization. Make one, or ask somebody for an invite to theirs.
          </Text>
          <OrganizationForm />
        </Stack>
      </Paper>
    </Center>
  );
}
