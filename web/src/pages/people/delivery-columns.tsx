import { Badge, Button, Text, Tooltip } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { redeliver } from '../../../../src/sdk/index.ts';
import type { Webhook, WebhookDelivery } from '../../../../src/sdk/types.gen.ts';
import { ask } from '../../api/client.ts';
import { useDeed } from '../../parts/feedback.tsx';
import { Ago } from '../../parts/time.tsx';
import type { Column } from '../../parts/virtual-table.tsx';
import { formatDuration } from '../../text/times.ts';

const colors = { pending: 'blue', succeeded: 'teal', failed: 'red' } as const;

export function deliveryColumns(webhook: Webhook): readonly Column<WebhookDelivery>[] {
  return [
    { name: 'at', label: 'Made', width: '110px', cell: ({ created_at: at }) => <Ago at={at} /> },
    { name: 'type', label: 'Event', width: 'minmax(150px, 1fr)', cell: ({ event_type: type }) => type },
    {
      name: 'status',
      label: 'Status',
      width: '110px',
      cell: ({ status }) => <Badge color={colors[status]}>{status}</Badge>,
    },
    {
      name: 'result',
      label: 'Answer',
      width: 'minmax(180px, 2fr)',
      cell: (delivery) => <Answer delivery={delivery} />,
    },
    { name: 'attempts', label: 'Attempts', width: '80px', cell: ({ attempts }) => attempts },
    { name: 'next', label: 'Next', width: '100px', cell: ({ next_attempt_at: at }) => <Ago at={at} /> },
    {
      name: 'again',
      label: '',
      width: '110px',
      cell: (delivery) => webhook.enabled && <Again webhook={webhook} delivery={delivery} />,
    },
  ];
}

function Answer({ delivery }: { readonly delivery: WebhookDelivery }) {
  const { response_code: code, error, duration_ms: took } = delivery;
  const parts = [
    code === null ? null : `${code}`,
    took === null ? null : `in ${formatDuration(took / 1000)}`,
    error,
  ].filter((part) => part !== null);
  const text = parts.join(', ');
  return (
    <Tooltip label={text} disabled={text === ''}>
      <Text span inherit>
        {text === '' ? '–' : text}
      </Text>
    </Tooltip>
  );
}

function Again({ webhook, delivery }: { readonly webhook: Webhook; readonly delivery: WebhookDelivery }) {
  const queries = useQueryClient();
  const deed = useDeed(
    () =>
      ask(redeliver({ path: { id: webhook.id, delivery_id: delivery.id } })).finally(
        () => void queries.invalidateQueries({ queryKey: ['people', 'webhooks', webhook.id] }),
      ),
    'It is sent again.',
  );
  if (delivery.status === 'pending') return null;
  return (
    <Button size="compact-sm" variant="subtle" loading={deed.isPending} onClick={() => deed.mutate(undefined)}>
      Send again
    </Button>
  );
}
