import { Anchor, Button, Code, Paper, Stack, Text, Timeline } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { latestQuery } from '../../api/overview-queries.ts';
import { Link } from '../../parts/link.tsx';

/** What to do first; it goes away by itself when that is done. */
export function FirstUse({ hasCluster }: { readonly hasCluster: boolean }) {
  const { data: any } = useQuery(latestQuery(undefined));
  const hasDeployment = (any?.items.length ?? 0) > 0;
  if (any === undefined || (hasCluster && hasDeployment)) return null;
  return (
    <Paper withBorder p="lg" component="section" aria-label="First steps">
      <Timeline active={hasCluster ? 1 : 0} bulletSize={18} lineWidth={2}>
        <Timeline.Item title="Make a cluster">
          <Stack gap="xs" align="flex-start">
            <Text size="sm">Machines of a fixed size that the organization shares.</Text>
            {!hasCluster && (
              <Button component={Link} to="/clusters" size="xs">
                Make a cluster
              </Button>
            )}
          </Stack>
        </Timeline.Item>
        <Timeline.Item title="Submit a deployment">
          <Stack gap="xs" align="flex-start">
            <Text size="sm">
              A Docker image with what it needs: it starts when there is room, and says why while there is none. From a
              shell: <Code>hv submit IMAGE --cpu 1 --ram 1</Code>
            </Text>
            {hasCluster && (
              <Button component={Link} to="/submit" size="xs">
                Submit
              </Button>
            )}
          </Stack>
        </Timeline.Item>
        <Timeline.Item title="Invite others">
          <Text size="sm">
            They get what they need by priority, and nobody waits for ever.{' '}
            <Anchor inherit underline="always" component={Link} to="/people?tab=invites">
              Invites
            </Anchor>
          </Text>
        </Timeline.Item>
      </Timeline>
    </Paper>
  );
}
