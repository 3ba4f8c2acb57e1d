/** What the scheduler would answer if it were submitted now. */
import { Alert, Badge, Code, Group, Loader, Paper, Stack, Text } from '@mantine/core';
import { IconCheck, IconHourglass, IconPlayerStop, IconX } from '@tabler/icons-react';
import type { PlanResult } from '../../../../src/sdk/types.gen.ts';
import { Time } from '../../parts/time.tsx';
import { placesOf, sentence } from './preview-text.ts';

type Planned = PlanResult['deployments'][number];
type Standing = NonNullable<Planned['standing']>;

interface PreviewProps {
  readonly plan: PlanResult | undefined;
  readonly isOld: boolean;
  /** What has to be there before it can be told. */
  readonly hasMissing: boolean;
  readonly wrong: number;
}

export function Preview({ plan, isOld, hasMissing, wrong }: PreviewProps) {
  return (
    <Paper withBorder p="md" component="section" aria-label="What would happen" aria-live="polite">
      <Stack gap="sm">
        <Group justify="space-between">
          <Text fw={600}>What would happen now</Text>
          {isOld && plan !== undefined && <Loader size="xs" aria-label="Asking the scheduler" />}
        </Group>
        {wrong > 0 && (
          <Text size="sm" c="dimmed">
            {wrong === 1 ? 'One field is not right yet.' : `${wrong} fields are not right yet.`}
          </Text>
        )}
        {wrong === 0 && hasMissing && (
          <Text size="sm" c="dimmed">
            It is told as soon as the image, RAM, CPU and cluster are given.
          </Text>
        )}
        {wrong === 0 && !hasMissing && (
          <Stack gap="xs" opacity={isOld ? 0.6 : 1}>
            {plan === undefined ? (
              <Loader size="sm" />
            ) : (
              plan.deployments.map((one, index) => (
                <One key={`${one.name} ${one.index ?? index}`} planned={one} isOnly={plan.deployments.length === 1} />
              ))
            )}
          </Stack>
        )}
      </Stack>
    </Paper>
  );
}

function One({ planned, isOnly }: { readonly planned: Planned; readonly isOnly: boolean }) {
  const { name, action, message, changes, errors, standing } = planned;
  return (
    <Stack gap={6}>
      {(!isOnly || action !== 'create') && (
        <Group gap="xs">
          <Text size="sm" fw={600}>
            {name}
          </Text>
          {action !== 'create' && <Badge color={action === 'conflict' ? 'red' : 'blue'}>{action}</Badge>}
        </Group>
      )}
      {action !== 'create' && <Text size="sm">{message}</Text>}
      {changes.length > 0 && (
        <Text size="sm" c="dimmed">
          Changes <Code>{changes.map(({ field }) => field).join(', ')}</Code>.
        </Text>
      )}
      {errors.map((error) => (
        <Alert key={error.field + error.message} color="red" icon={<IconX />} title="It would be refused">
          {sentence(error.message)}
        </Alert>
      ))}
      {standing !== null && <StandingAlert standing={standing} />}
      {standing === null && errors.length === 0 && action === 'create' && (
        <Text size="sm">It waits for what it depends on first.</Text>
      )}
    </Stack>
  );
}

function StandingAlert({ standing }: { readonly standing: Standing }) {
  const { decision, placements, message, position, stops, reservation } = standing;
  if (decision === 'place') {
    return (
      <Alert color="teal" icon={<IconCheck />} title="Starts now">
        {placesOf(placements)}
      </Alert>
    );
  }
  if (decision === 'preempt') {
    return (
      <Alert color="orange" icon={<IconPlayerStop />} title={`Stops ${stops.map(({ name }) => name).join(', ')}`}>
        They are less urgent, and go back to the queue with their age. Then it starts {placesOf(placements, false)}
      </Alert>
    );
  }
  return (
    <Alert color="yellow" icon={<IconHourglass />} title={`Waits, as number ${position} in the queue`}>
      <Stack gap={4}>
        <Text size="sm">{sentence(message)}</Text>
        {reservation !== null && (
          <Text size="sm">
            Kept for it on {reservation.nodes.join(', ')}
            {reservation.starts_at !== null && (
              <>
                , from <Time at={reservation.starts_at} />
              </>
            )}
            .
          </Text>
        )}
      </Stack>
    </Alert>
  );
}
