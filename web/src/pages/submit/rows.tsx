/** Lists of small things, a row each: variables, ports, secrets, volumes. */
import { ActionIcon, Button, Group, Input, Stack } from '@mantine/core';
import { IconPlus, IconX } from '@tabler/icons-react';
import type { ReactNode } from 'react';

interface RowsProps<Row> {
  /** In the singular: "variable". */
  readonly noun: string;
  readonly rows: readonly Row[];
  readonly empty: Row;
  readonly error?: string | undefined;
  readonly onChange: (rows: readonly Row[]) => void;
  /** Its inputs; `change` replaces the row. */
  readonly children: (row: Row, change: (row: Row) => void, index: number) => ReactNode;
}

export function Rows<Row>({ noun, rows, empty, error, onChange, children }: RowsProps<Row>) {
  return (
    <Stack gap="xs" align="flex-start">
      {rows.map((row, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a row is its place
        <Group key={index} gap="xs" wrap="nowrap" w="100%" align="center">
          <Group gap="xs" grow style={{ flex: 1 }} preventGrowOverflow={false}>
            {children(row, (changed) => onChange(rows.with(index, changed)), index)}
          </Group>
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={`Remove ${noun} ${index + 1}`}
            onClick={() => onChange(rows.toSpliced(index, 1))}
          >
            <IconX size={16} />
          </ActionIcon>
        </Group>
      ))}
      {error !== undefined && <Input.Error>{error}</Input.Error>}
      <Button
        size="compact-sm"
        variant="default"
        leftSection={<IconPlus size={14} />}
        onClick={() => onChange([...rows, empty])}
      >
        Add a {noun}
      </Button>
    </Stack>
  );
}
