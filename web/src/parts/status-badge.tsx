import { Badge, type MantineColor } from '@mantine/core';
import type { Status } from '../../../src/sdk/types.gen.ts';

const colors: Readonly<Record<Status, MantineColor>> = {
  queued: 'yellow',
  starting: 'cyan',
  running: 'blue',
  stopping: 'orange',
  succeeded: 'teal',
  failed: 'red',
  cancelled: 'gray',
  skipped: 'gray',
};

export const statuses = Object.keys(colors) as Status[];

export const colorOf = (status: Status): MantineColor => colors[status];

export function StatusBadge({ status }: { readonly status: Status }) {
  return <Badge color={colors[status]}>{status}</Badge>;
}
