/** One webhook: its state, what was sent to it and what came of that. */
import { Alert, Anchor, Button, Group, Modal, Select, Stack, Text, Title } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { getWebhook, testWebhook, updateWebhook } from '../../../../src/sdk/index.ts';
import type { Webhook } from '../../../../src/sdk/types.gen.ts';
import { ask } from '../../api/client.ts';
import { deliveriesList } from '../../api/people-queries.ts';
import { useDeed } from '../../parts/feedback.tsx';
import { Link } from '../../parts/link.tsx';
import { Empty, PageLoading, ProblemAlert } from '../../parts/page-states.tsx';
import { oneOf } from '../../text/search.ts';
import { deliveryColumns } from './delivery-columns.tsx';
import { PagedTable } from './paged-table.tsx';
import { WebhookForm } from './webhook-form.tsx';
import { WebhookState } from './webhook-state.tsx';

export function WebhookDetail({ id }: { readonly id: string }) {
  const found = useQuery({
    queryKey: ['people', 'webhooks', id],
    queryFn: ({ signal }) => ask(getWebhook({ path: { id }, signal })),
  });
  if (found.isPending) return <PageLoading />;
  if (found.data === undefined) return <ProblemAlert error={found.error} onRetry={() => void found.refetch()} />;
  return <Loaded webhook={found.data} />;
}

function Loaded({ webhook }: { readonly webhook: Webhook }) {
  const { id, url, enabled, disabled_reason: reason } = webhook;
  const [isChanging, { open, close }] = useDisclosure(false);
  const queries = useQueryClient();
  const refresh = () => void queries.invalidateQueries({ queryKey: ['people', 'webhooks'] });
  const test = useDeed(
    () => ask(testWebhook({ path: { id } })).finally(refresh),
    'A test is on its way. What came of it is in the list.',
  );
  const turn = useDeed(
    (on: boolean) => ask(updateWebhook({ path: { id }, body: { enabled: on } })).finally(refresh),
    (_, on) => (on ? 'It is told of events from now on.' : 'It is told nothing more, until it is turned on again.'),
  );
  return (
    <Stack>
      <Anchor component={Link} to="/people?tab=webhooks" size="sm">
        All webhooks
      </Anchor>
      <Group justify="space-between">
        <Group gap="sm">
          <Title order={2} size="h4" style={{ overflowWrap: 'anywhere' }}>
            {url}
          </Title>
          <WebhookState webhook={webhook} />
        </Group>
        <Group gap="xs">
          <Button onClick={() => test.mutate(undefined)} loading={test.isPending}>
            Send a test
          </Button>
          <Button variant="default" onClick={open}>
            Change
          </Button>
          <Button variant="default" onClick={() => turn.mutate(!enabled)} loading={turn.isPending}>
            {enabled ? 'Turn off' : 'Turn on'}
          </Button>
        </Group>
      </Group>
      {webhook.description !== '' && <Text size="sm">{webhook.description}</Text>}
      {reason !== null && <Alert color="red">{reason}</Alert>}
      <Deliveries webhook={webhook} />
      <Modal opened={isChanging} onClose={close} title="Change the webhook">
        <WebhookForm webhook={webhook} onClose={close} />
      </Modal>
    </Stack>
  );
}

const statuses = ['pending', 'succeeded', 'failed'] as const;

function Deliveries({ webhook }: { readonly webhook: Webhook }) {
  const search = useSearch({ from: '/app/people' });
  const navigate = useNavigate();
  const status = oneOf(search.status, statuses);
  const list = useInfiniteQuery(deliveriesList(webhook.id, status));
  return (
    <>
      <Select
        aria-label="Status of deliveries"
        placeholder="Any status"
        data={statuses}
        value={status ?? null}
        clearable
        w={200}
        onChange={(chosen) =>
          void navigate({ to: '/people', search: { ...search, status: chosen ?? undefined }, replace: true })
        }
      />
      <PagedTable
        label="Deliveries"
        list={list}
        idOf={({ id }) => id}
        columns={deliveryColumns(webhook)}
        empty={
          <Empty title="Nothing was sent">
            {status === undefined
              ? 'Send a test to see whether it is reached.'
              : 'There are no deliveries of this status.'}
          </Empty>
        }
      />
    </>
  );
}
