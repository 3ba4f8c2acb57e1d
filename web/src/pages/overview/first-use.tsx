import { Anchor, Button, Code, Paper, Stepper, Text } from '@mantine/core';
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
      <Stepper active={hasCluster ? 1 : 0} orientation="vertical" size="sm">
        <Stepper.Step
          label="Make a cluster"
          description={
            <Text size="sm" component="div">
              Machines of a fixed size that the organization shares.
              {!hasCluster && (
                <div>
                  <Button component={Link} to="/clusters" size="xs" mt="xs">
                    Make a cluster
                  </Button>
                </div>
              )}
            </Text>
          }
        />
        <Stepper.Step
          label="Submit a deployment"
          description={
            <Text size="sm" component="div">
              A Docker image with what it needs: it starts when there is room, and says why while there is none. From a
              shell: <Code>hv submit IMAGE --cpu 1 --ram 1</Code>
              {hasCluster && (
                <div>
                  <Button component={Link} to="/submit" size="xs" mt="xs">
                    Submit
                  </Button>
                </div>
              )}
            </Text>
          }
        />
        <Stepper.Step
          label="Invite others"
          description={
            <Text size="sm">
              They get what they need by priority, and nobody waits for ever.{' '}
              <Anchor inherit component={Link} to="/people?tab=invites">
                Invites
              </Anchor>
            </Text>
          }
        />
      </Stepper>
    </Paper>
  );
}
