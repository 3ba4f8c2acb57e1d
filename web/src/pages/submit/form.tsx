/** The fields that most deployments need; the rest is written in the YAML. */
import {
  Accordion,
  Paper,
  SegmentedControl,
  Select,
  SimpleGrid,
  Stack,
  TagsInput,
  Text,
  TextInput,
} from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Cluster } from '../../../../src/sdk/types.gen.ts';
import { clustersMax } from '../../api/queries.ts';
import { gpuModelsQuery } from '../../api/submit-queries.ts';
import { formatCpu, formatGpu, formatNumber, formatRam } from '../../text/quantities.ts';
import { EnvironmentRows, PortRows, SecretRows, VolumeRows } from './data-rows.tsx';
import { useDraftFields } from './fields.ts';
import { HealthFields, LifeFields } from './life-fields.tsx';
import { CommandField, DurationField, NumberField } from './typed-inputs.tsx';

interface FormProps {
  readonly clusters: readonly Cluster[];
  readonly cluster: Cluster | undefined;
}

export function Form({ clusters, cluster }: FormProps) {
  return (
    <Stack gap="md">
      <Paper withBorder p="md">
        <What clusters={clusters} cluster={cluster} />
      </Paper>
      <Paper withBorder p="md">
        <Needs cluster={cluster} />
      </Paper>
      <More cluster={cluster} />
    </Stack>
  );
}

function What({ clusters, cluster }: FormProps) {
  const { fields, set, problemAt } = useDraftFields();
  const text = (name: string) => ({
    value: typeof fields[name] === 'string' ? fields[name] : '',
    error: problemAt(name),
    onChange: ({ currentTarget: { value } }: { currentTarget: { value: string } }) =>
      set([name], value === '' ? undefined : value),
  });
  const kind = fields['kind'] === 'service' ? 'service' : 'job';
  return (
    <Stack gap="sm">
      <TextInput
        label="Image"
        placeholder="busybox:1.36"
        withAsterisk
        data-autofocus
        autoComplete="off"
        spellCheck={false}
        {...text('docker_image')}
      />
      <CommandField
        label="Command"
        description="In place of that of the image. Quotes keep words together; there is no shell, unless you name one."
        placeholder={'sh -c "echo hello"'}
        autoComplete="off"
        spellCheck={false}
        value={fields['command']}
        error={problemAt('command')}
        onSet={(value) => set(['command'], value)}
      />
      <SimpleGrid cols={{ base: 1, xs: 2 }}>
        <TextInput label="Name" placeholder="made from the image" autoComplete="off" {...text('name')} />
        <Select
          label="Cluster"
          {...(clusters.length >= clustersMax && {
            description: `The first ${formatNumber(clustersMax)} are listed; in the document, any other goes by its id.`,
          })}
          data={clusters.map(({ name }) => name)}
          value={cluster?.name ?? null}
          error={problemAt('cluster')}
          onChange={(name) => set(['cluster'], name ?? undefined)}
          allowDeselect={false}
          searchable
        />
      </SimpleGrid>
      <div>
        <SegmentedControl
          aria-label="Kind"
          data={[
            { value: 'job', label: 'Job' },
            { value: 'service', label: 'Service' },
          ]}
          value={kind}
          onChange={(value) => set(['kind'], value === 'job' ? undefined : value)}
        />
        <Text size="xs" c="dimmed" mt={4}>
          {kind === 'job' ? 'Runs until it is done.' : 'Runs until it is stopped.'}
        </Text>
      </div>
    </Stack>
  );
}

function Needs({ cluster }: Pick<FormProps, 'cluster'>) {
  const { fields, set, problemAt } = useDraftFields();
  const { data: models = [] } = useQuery({ ...gpuModelsQuery(cluster?.id ?? ''), enabled: (cluster?.gpu ?? 0) > 0 });
  const typed = (name: string) => ({
    value: fields[name],
    error: problemAt(name),
    onSet: (value: unknown) => set([name], value),
  });
  const hasGpus = (cluster?.gpu ?? 0) > 0 || fields['gpu_required'] !== undefined;
  const gpuModels = fields['gpu_models'];
  return (
    <Stack gap="sm">
      <SimpleGrid cols={hasGpus ? 3 : 2}>
        <NumberField label="RAM (GB)" withAsterisk {...typed('ram_required')} />
        <NumberField label="CPU (cores)" withAsterisk {...typed('cpu_required')} />
        {hasGpus && <NumberField label="GPUs" placeholder="0" {...typed('gpu_required')} />}
      </SimpleGrid>
      {cluster !== undefined && (
        <Text size="xs" c="dimmed">
          Free in {cluster.name} now: {freeIn(cluster)}.
        </Text>
      )}
      {hasGpus && (
        <TagsInput
          label="GPU models"
          placeholder="any"
          data={models}
          value={Array.isArray(gpuModels) ? gpuModels.map(String) : []}
          error={problemAt('gpu_models')}
          onChange={(chosen) => set(['gpu_models'], chosen.length === 0 ? undefined : chosen)}
        />
      )}
      <SimpleGrid cols={3}>
        <NumberField label="Priority" placeholder="50" {...typed('priority')} />
        <NumberField label="Replicas" placeholder="1" {...typed('replicas')} />
        <DurationField label="Time limit" placeholder="none" {...typed('time_limit_s')} />
      </SimpleGrid>
      <Text size="xs" c="dimmed">
        A lower priority number goes first. Replicas start all together, each with these amounts. With a time limit it
        may start earlier, in gaps before others.
      </Text>
    </Stack>
  );
}

function More({ cluster }: Pick<FormProps, 'cluster'>) {
  const { fields, problemAt } = useDraftFields();
  const isService = fields['kind'] === 'service';
  const sections = [
    { name: 'env', label: 'Environment', panel: <EnvironmentRows /> },
    { name: 'ports', label: 'Ports', panel: <PortRows /> },
    { name: 'secrets', label: 'Secrets', panel: <SecretRows /> },
    { name: 'volumes', label: 'Volumes', panel: <VolumeRows clusterId={cluster?.id} /> },
    {
      name: isService ? 'restart' : 'retry',
      label: isService ? 'Restarts' : 'Retries',
      panel: <LifeFields isService={isService} />,
    },
    { name: 'health_check', label: 'Health check', panel: <HealthFields /> },
  ];
  return (
    <Accordion multiple variant="contained" order={2} keepMounted={false}>
      {sections.map(({ name, label, panel }) => (
        <Accordion.Item key={name} value={name}>
          <Accordion.Control>
            {label}
            <Text span size="sm" c={problemAt(name) === undefined ? 'dimmed' : 'red'} ml="xs">
              {problemAt(name) ?? summaryOf(fields[name])}
            </Text>
          </Accordion.Control>
          <Accordion.Panel>{panel}</Accordion.Panel>
        </Accordion.Item>
      ))}
    </Accordion>
  );
}

/** Also what is 0: that is what it would wait for. */
function freeIn({ resources: { available, total } }: Cluster): string {
  const parts = [formatRam(available.ram), formatCpu(available.cpu)];
  return (total.gpu > 0 ? [...parts, formatGpu(available.gpu)] : parts).join(', ');
}

/** What a closed section holds. */
function summaryOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  const keys = Object.keys(value);
  return Array.isArray(value) ? String(value.length) : keys.slice(0, 3).join(', ') + (keys.length > 3 ? ', …' : '');
}
