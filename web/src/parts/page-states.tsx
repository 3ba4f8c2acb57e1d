/** What a page shows while it has nothing to show: it is empty, it is loading, it failed, it does not exist. */
import { Alert, Button, Center, Code, Group, Loader, Stack, Text, Title } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { ApiProblem, messageOf } from '../api/client.ts';
import { Link } from './link.tsx';

export function PageLoading() {
  return (
    <Center mih={240}>
      <Loader role="status" aria-label="Loading" />
    </Center>
  );
}

export function PageNotFound() {
  return (
    <Empty
      title="There is no such page"
      action={
        <Button component={Link} to="/">
          To the overview
        </Button>
      }
    >
      The address may be mistyped, or what it names was deleted.
    </Empty>
  );
}

export function PageError({ error, reset }: { readonly error: unknown; readonly reset?: () => void }) {
  return (
    <Stack p="md">
      <ProblemAlert error={error} {...(reset !== undefined && { onRetry: reset })} />
    </Stack>
  );
}

/** What went wrong and what to do about it. */
export function ProblemAlert({ error, onRetry }: { readonly error: unknown; readonly onRetry?: () => void }) {
  const problem = error instanceof ApiProblem ? error : null;
  return (
    <Alert color="red" icon={<IconAlertTriangle />} title={titleOf(problem)} role="alert">
      <Stack gap="xs" align="flex-start">
        <Text size="sm">{messageOf(error)}</Text>
        {problem?.fields.map(({ field, message }) => (
          <Text key={`${field} ${message}`} size="sm">
            <Code>{field}</Code> {message}
          </Text>
        ))}
        <Group gap="md">
          {onRetry !== undefined && (
            <Button size="xs" variant="default" onClick={onRetry}>
              Try again
            </Button>
          )}
          {problem?.requestId != null && (
            <Text size="xs" c="dimmed">
              Request {problem.requestId}
            </Text>
          )}
        </Group>
      </Stack>
    </Alert>
  );
}

function titleOf(problem: ApiProblem | null): string {
  if (problem === null) return 'The page has a mistake';
  if (problem.status === 0) return 'No answer';
  if (problem.status === 404) return 'Not found';
  if (problem.status === 403) return 'Not allowed';
  return 'That did not work';
}

interface EmptyProps {
  readonly title: string;
  readonly children?: ReactNode;
  readonly action?: ReactNode;
}

export function Empty({ title, children, action }: EmptyProps) {
  return (
    <Center mih={200} p="lg">
      <Stack align="center" gap="sm" maw={520} ta="center">
        <Title order={3} size="h4">
          {title}
        </Title>
        {children !== undefined && (
          <Text c="dimmed" size="sm" component="div">
            {children}
          </Text>
        )}
        {action}
      </Stack>
    </Center>
  );
}
