import { Button, Group, MultiSelect, Stack, TagsInput, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { createWebhook, updateWebhook } from '../../../../src/sdk/index.ts';
import type { Webhook } from '../../../../src/sdk/types.gen.ts';
import { ask } from '../../api/client.ts';
import { clustersQuery } from '../../api/queries.ts';
import { sayDone } from '../../parts/feedback.tsx';
import { useFormDeed } from '../../parts/form.tsx';
import { clusterChoices } from '../../text/cluster-choices.ts';
import { eventFamilies, notableTypes } from '../../text/event-families.ts';
import { ShownOnce } from './shown-once.tsx';

interface WebhookFormProps {
  /** The one that is changed; without it, one is made. */
  readonly webhook?: Webhook;
  readonly onClose: () => void;
}

export function WebhookForm({ webhook, onClose }: WebhookFormProps) {
  const queries = useQueryClient();
  const { data: clusters } = useQuery(clustersQuery);
  const [secret, setSecret] = useState<string | null>(null);
  const form = useForm({
    initialValues: {
      url: webhook?.url ?? '',
      description: webhook?.description ?? '',
      event_types: webhook?.event_types ?? [],
      cluster_ids: webhook?.cluster_ids ?? [],
    },
  });
  const deed = useFormDeed(
    form,
    async (body) => {
      if (webhook === undefined) setSecret((await ask(createWebhook({ body }))).secret);
      else await ask(updateWebhook({ path: { id: webhook.id }, body }));
      void queries.invalidateQueries({ queryKey: ['people', 'webhooks'] });
      if (webhook === undefined) return;
      sayDone('The webhook was changed.');
      onClose();
    },
    // "event_types.0" is told at the list.
    (field) => field.split('.')[0] ?? field,
  );
  if (secret !== null) {
    const about = 'With this secret the receiver checks that a request is from here. It is shown this once.';
    return <ShownOnce label="Secret" value={secret} about={about} onClose={onClose} />;
  }
  return (
    <form onSubmit={deed.onSubmit}>
      <Stack>
        <TextInput
          label="URL"
          placeholder="https://example.com/hook"
          required
          data-autofocus
          {...form.getInputProps('url')}
        />
        <TextInput label="What it is for" {...form.getInputProps('description')} />
        <TagsInput
          label="Events"
          description="Types, or families like deployment.*; none: all."
          data={[...notableTypes, ...eventFamilies.map(({ value }) => value)]}
          {...form.getInputProps('event_types')}
        />
        <MultiSelect
          label="Clusters"
          description="None: all of them, and what belongs to no cluster."
          {...clusterChoices(clusters)}
          searchable
          {...form.getInputProps('cluster_ids')}
        />
        <Group justify="flex-end">
          <Button type="submit" loading={deed.isPending}>
            Save
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
