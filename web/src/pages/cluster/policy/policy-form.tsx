import { Button, Group, NumberInput, Radio, Stack, Switch, Text } from '@mantine/core';
import { type UseFormReturnType, useForm } from '@mantine/form';
import { useQueryClient } from '@tanstack/react-query';
import { updateCluster } from '../../../../../src/sdk/index.ts';
import type { Cluster } from '../../../../../src/sdk/types.gen.ts';
import { ask } from '../../../api/client.ts';
import { sayDone } from '../../../parts/feedback.tsx';
import { useFormDeed } from '../../../parts/form.tsx';
import { PolicyPreview } from './policy-preview.tsx';
import { formNameOf, type PolicyValues, policyOf, valuesOf } from './policy-values.ts';

export function PolicyForm({ cluster, onDone }: { readonly cluster: Cluster; readonly onDone: () => void }) {
  const queries = useQueryClient();
  const form = useForm<PolicyValues>({ initialValues: valuesOf(cluster.policy) });
  const path = { id: cluster.id };
  const save = async (policy: Cluster['policy']) => {
    await ask(updateCluster({ path, body: { policy } }));
    await queries.invalidateQueries({ queryKey: ['clusters'] });
  };
  const deed = useFormDeed(
    form,
    async (values) => {
      const before = cluster.policy;
      await save(policyOf(values));
      sayDone('The policy is changed.', () => save(before));
      onDone();
    },
    formNameOf,
  );
  return (
    <form onSubmit={deed.onSubmit}>
      <Stack gap="lg" maw={640}>
        <Fields form={form} />
        <PolicyPreview clusterId={cluster.id} policy={policyOf(form.values)} isChanged={form.isDirty()} />
        <Group>
          <Button type="submit" loading={deed.isPending} disabled={!form.isDirty()}>
            Save
          </Button>
          <Button variant="default" onClick={onDone}>
            Keep it as it is
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function Fields({ form }: { readonly form: UseFormReturnType<PolicyValues> }) {
  const { ages, preempts, deletes } = form.values;
  return (
    <>
      <Stack gap="xs">
        <Switch label="Waiting makes more urgent" {...form.getInputProps('ages', { type: 'checkbox' })} />
        {ages && (
          <NumberInput
            required
            label="Minutes of waiting that count as one step of priority"
            min={0.01}
            {...form.getInputProps('aging_minutes')}
          />
        )}
      </Stack>
      <NumberInput
        required
        label="Minutes after which room is kept for who waits"
        min={0}
        {...form.getInputProps('reservation_minutes')}
      />
      <Radio.Group label="Who of those that are equally urgent goes first" {...form.getInputProps('backfill')}>
        <Stack gap="xs" mt={6}>
          <Radio value="largest_set" label="As many as can run together" />
          <Radio value="learned" label="Who is expected to be done soon" />
        </Stack>
      </Radio.Group>
      <Stack gap="xs">
        <Switch
          label="What runs is stopped for what is more urgent"
          {...form.getInputProps('preempts', { type: 'checkbox' })}
        />
        {preempts && (
          <NumberInput
            required
            label="Minutes that everything may run undisturbed"
            min={0}
            {...form.getInputProps('min_run_minutes')}
          />
        )}
      </Stack>
      <NumberInput
        required
        label="Minutes until an engine that does not answer is given up"
        min={0}
        {...form.getInputProps('lost_minutes')}
      />
      <Stack gap="xs">
        <Switch
          label="What has ended is deleted after a time"
          {...form.getInputProps('deletes', { type: 'checkbox' })}
        />
        {deletes && (
          <>
            <NumberInput required label="Days until then" min={0.001} {...form.getInputProps('retention_days')} />
            <Text size="sm" c="dimmed">
              That counts for what has ended already, too, and is not undone by changing it back.
            </Text>
          </>
        )}
      </Stack>
    </>
  );
}
