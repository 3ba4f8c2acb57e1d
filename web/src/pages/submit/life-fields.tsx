/** What becomes of it when it ends, and how one knows that it is well. */
import { Select, SimpleGrid, Stack, Text, TextInput } from '@mantine/core';
import { useDraftFields, valueAt } from './fields.ts';
import { CommandField, NumberField } from './typed-inputs.tsx';

const policies = [
  { value: 'on_failure', label: 'When a replica fails' },
  { value: 'always', label: 'Always' },
  { value: 'never', label: 'Never' },
];

export function LifeFields({ isService }: { readonly isService: boolean }) {
  const { fields, set, problemAt } = useDraftFields();
  if (!isService) {
    return (
      <Stack gap="xs">
        <NumberField
          label="Attempts after the first"
          placeholder="0"
          value={valueAt(fields, ['retry', 'limit'])}
          error={problemAt('retry', 'limit')}
          onSet={(limit) => set(['retry', 'limit'], limit)}
        />
        <Text size="xs" c="dimmed">
          After a failure it is queued again, in its place. Which failures count, and which exit codes, can be said in
          the YAML: <code>retry.on</code>, <code>retry.exit_codes</code>.
        </Text>
      </Stack>
    );
  }
  const policy = valueAt(fields, ['restart', 'policy']);
  return (
    <SimpleGrid cols={{ base: 1, xs: 2 }}>
      <Select
        label="A replica is started again"
        data={policies}
        value={typeof policy === 'string' ? policy : 'on_failure'}
        allowDeselect={false}
        error={problemAt('restart', 'policy')}
        onChange={(chosen) => set(['restart', 'policy'], chosen === 'on_failure' ? undefined : chosen)}
      />
      <NumberField
        label="At most so often in a row"
        placeholder="without end"
        value={valueAt(fields, ['restart', 'max_restarts'])}
        error={problemAt('restart', 'max_restarts')}
        onSet={(most) => set(['restart', 'max_restarts'], most)}
      />
    </SimpleGrid>
  );
}

const kinds = ['http', 'tcp', 'command'] as const;
type CheckKind = (typeof kinds)[number];

const kindLabels = [
  { value: 'none', label: 'None: one that runs is well' },
  { value: 'http', label: 'HTTP' },
  { value: 'tcp', label: 'TCP connection' },
  { value: 'command', label: 'Command inside of the container' },
];

export function HealthFields() {
  const { fields, set, problemAt } = useDraftFields();
  const kind = kinds.find((one) => valueAt(fields, ['health_check', one]) != null);
  return (
    <Stack gap="sm">
      <Select
        label="How it is checked"
        data={kindLabels}
        value={kind ?? 'none'}
        allowDeselect={false}
        error={kind === undefined ? problemAt('health_check') : undefined}
        onChange={(chosen) => set(['health_check'], beginningOf(chosen))}
      />
      {kind === 'command' && (
        <CommandField
          label="Command"
          value={valueAt(fields, ['health_check', 'command'])}
          error={problemAt('health_check', 'command')}
          onSet={(command) => set(['health_check', 'command'], command ?? [])}
        />
      )}
      {(kind === 'http' || kind === 'tcp') && <Endpoint kind={kind} />}
      {kind !== undefined && (
        <NumberField
          label="Seconds between checks"
          placeholder="10"
          value={valueAt(fields, ['health_check', 'interval_s'])}
          error={problemAt('health_check', 'interval_s')}
          onSet={(interval) => set(['health_check', 'interval_s'], interval)}
        />
      )}
    </Stack>
  );
}

function beginningOf(chosen: string | null): unknown {
  if (chosen === 'http' || chosen === 'tcp') return { [chosen]: { port: 80 } };
  return chosen === 'command' ? { command: ['true'] } : undefined;
}

function Endpoint({ kind }: { readonly kind: Exclude<CheckKind, 'command'> }) {
  const { fields, set, problemAt } = useDraftFields();
  const at = ['health_check', kind] as const;
  const path = valueAt(fields, [...at, 'path']);
  return (
    <SimpleGrid cols={2}>
      <NumberField
        label="Port of the container"
        value={valueAt(fields, [...at, 'port'])}
        error={problemAt(...at, 'port')}
        onSet={(port) => set([...at, 'port'], port ?? null)}
      />
      {kind === 'http' && (
        <TextInput
          label="Path"
          placeholder="/"
          value={typeof path === 'string' ? path : ''}
          error={problemAt(...at, 'path')}
          onChange={({ currentTarget: { value } }) => set([...at, 'path'], value === '' ? undefined : value)}
        />
      )}
    </SimpleGrid>
  );
}
