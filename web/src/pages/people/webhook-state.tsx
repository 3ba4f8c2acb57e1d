import { Badge } from '@mantine/core';
import type { Webhook } from '../../../../src/sdk/types.gen.ts';
import { Ago } from '../../parts/time.tsx';

export function WebhookState({ webhook: { enabled, failing_since: failing } }: { readonly webhook: Webhook }) {
  if (!enabled) return <Badge color="gray">off</Badge>;
  if (failing === null) return <Badge color="teal">on</Badge>;
  return (
    <Badge color="red">
      fails since <Ago at={failing} />
    </Badge>
  );
}
