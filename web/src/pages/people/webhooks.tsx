import { Button } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { deleteWebhook } from '../../../../src/sdk/index.ts';
import type { Webhook } from '../../../../src/sdk/types.gen.ts';
import { ask } from '../../api/client.ts';
import { webhooksList } from '../../api/people-queries.ts';
import { Empty } from '../../parts/page-states.tsx';
import { MakeDialog } from './make-dialog.tsx';
import { PagedTable } from './paged-table.tsx';
import { RemovalButton } from './removal-button.tsx';
import { TabHead } from './tab-head.tsx';
import { WebhookDetail } from './webhook-detail.tsx';
import { WebhookForm } from './webhook-form.tsx';
import { WebhookState } from './webhook-state.tsx';

export default function Webhooks() {
  const { webhook } = useSearch({ from: '/app/people' });
  return webhook === undefined ? <WebhookList /> : <WebhookDetail id={webhook} key={webhook} />;
}

function WebhookList() {
  const list = useInfiniteQuery(webhooksList);
  const navigate = useNavigate();
  const open = ({ id }: Webhook) => void navigate({ to: '/people', search: { tab: 'webhooks', webhook: id } });
  return (
    <>
      <TabHead
        about="Programs that are told of events, by signed HTTP requests."
        action={<MakeDialog title="Add a webhook">{(close) => <WebhookForm onClose={close} />}</MakeDialog>}
      />
      <PagedTable
        label="Webhooks"
        list={list}
        idOf={({ id }) => id}
        onOpen={open}
        empty={
          <Empty title="No webhooks">Add one to be told in a chat when a deployment fails, or of anything else.</Empty>
        }
        columns={[
          { name: 'url', label: 'URL', width: 'minmax(220px, 2fr)', cell: ({ url }) => url },
          { name: 'about', label: 'For', width: 'minmax(100px, 1fr)', cell: ({ description }) => description },
          {
            name: 'types',
            label: 'Events',
            width: 'minmax(120px, 1fr)',
            cell: ({ event_types: types }) => (types.length === 0 ? 'all' : types.join(', ')),
          },
          { name: 'state', label: 'State', width: '160px', cell: (webhook) => <WebhookState webhook={webhook} /> },
          {
            name: 'deeds',
            label: '',
            width: '180px',
            cell: (webhook) => (
              // What is pressed here does not open the row.
              // biome-ignore lint/a11y/noStaticElementInteractions: the buttons in it are what is pressed
              <div onClick={(event) => event.stopPropagation()} onKeyDown={(event) => event.stopPropagation()}>
                <Button size="compact-sm" variant="subtle" onClick={() => open(webhook)}>
                  Deliveries
                </Button>
                <RemovalButton
                  verb="Delete"
                  title="Delete the webhook?"
                  text={`${webhook.url} is told nothing more, and what was delivered is forgotten.`}
                  said="The webhook was deleted."
                  run={() => ask(deleteWebhook({ path: { id: webhook.id } }))}
                />
              </div>
            ),
          },
        ]}
      />
    </>
  );
}
