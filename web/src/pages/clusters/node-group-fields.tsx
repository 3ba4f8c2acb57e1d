import { ActionIcon, Fieldset, Group, NumberInput, SimpleGrid, TextInput } from '@mantine/core';
import { IconTrash } from '@tabler/icons-react';
import type { NodeGroup } from './new-nodes.ts';

interface NodeGroupFieldsProps {
  readonly group: NodeGroup;
  readonly legend: string;
  readonly onChange: (group: NodeGroup) => void;
  readonly onRemove?: (() => void) | undefined;
}

/** How many nodes there are of a kind, and what each of them has. */
export function NodeGroupFields({ group, legend, onChange, onRemove }: NodeGroupFieldsProps) {
  const set = (changed: Partial<NodeGroup>) => onChange({ ...group, ...changed });
  return (
    <Fieldset legend={legend} p="sm">
      <SimpleGrid cols={{ base: 2, xs: 3 }} spacing="sm">
        <TextInput
          label="Name"
          required
          value={group.prefix}
          onChange={({ currentTarget: { value } }) => set({ prefix: value })}
        />
        <Amount label="How many" min={1} max={1000} whole value={group.count} onChange={(count) => set({ count })} />
        <Amount label="Memory, in GB" min={0.001} value={group.ram} onChange={(ram) => set({ ram })} />
        <Amount label="CPU, in cores" min={0.001} value={group.cpu} onChange={(cpu) => set({ cpu })} />
        <Amount label="GPUs" min={0} max={64} whole value={group.gpus} onChange={(gpus) => set({ gpus })} />
        {group.gpus > 0 && (
          <>
            <TextInput
              label="GPU model"
              placeholder="generic"
              value={group.gpuModel}
              onChange={({ currentTarget: { value } }) => set({ gpuModel: value })}
            />
            <Amount
              label="GPU memory, in GB"
              min={0}
              value={group.gpuMemory}
              onChange={(gpuMemory) => set({ gpuMemory })}
            />
          </>
        )}
      </SimpleGrid>
      {onRemove !== undefined && (
        <Group justify="flex-end" mt="xs">
          <ActionIcon variant="subtle" color="red" aria-label={`Remove ${legend}`} onClick={onRemove}>
            <IconTrash size={18} />
          </ActionIcon>
        </Group>
      )}
    </Fieldset>
  );
}

interface AmountProps {
  readonly label: string;
  readonly value: number;
  readonly min: number;
  readonly max?: number;
  readonly whole?: boolean;
  readonly onChange: (value: number) => void;
}

function Amount({ label, value, min, max, whole = false, onChange }: AmountProps) {
  return (
    <NumberInput
      label={label}
      required
      min={min}
      {...(max !== undefined && { max })}
      allowNegative={false}
      decimalScale={whole ? 0 : 3}
      value={value}
      onChange={(typed) => onChange(Number(typed))}
    />
  );
}
