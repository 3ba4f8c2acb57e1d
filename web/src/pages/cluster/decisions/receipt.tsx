import { Text } from '@mantine/core';
import type { PreemptionReceipt } from '../../../../../src/sdk/types.gen.ts';
import { formatDuration } from '../../../text/times.ts';
import { DeploymentLink } from './deployment-link.tsx';

/** Who is stopped for somebody, what is lost by it, and what else was considered. */
export function Receipt({ receipt }: { readonly receipt: PreemptionReceipt }) {
  const { victims, lost_work_s: lost, highest_priority: highest, alternatives } = receipt;
  return (
    <Text size="sm" component="div">
      Stops{' '}
      {victims.map(({ deployment_id: id, priority, lost_work_s: seconds }, index) => (
        <span key={id}>
          {index > 0 && ', '}
          <DeploymentLink id={id} /> (priority {priority}, {formatDuration(seconds)} of work)
        </span>
      ))}
      . In all, {formatDuration(lost)} of work of priority {highest} or less urgent is lost.
      {alternatives.length > 0 && ` Considered, too: ${alternatives.map(costOf).join('; ')}.`}
    </Text>
  );
}

function costOf({
  victims,
  lost_work_s: lost,
  highest_priority: highest,
}: PreemptionReceipt['alternatives'][number]): string {
  const count = `${victims.length} ${victims.length === 1 ? 'deployment' : 'deployments'}`;
  return `${count}, ${formatDuration(lost)} of work, priority ${highest}`;
}
