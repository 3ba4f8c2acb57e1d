import { Button, Group, Paper, Text } from '@mantine/core';
import { IconChevronDown, IconChevronUp, IconX } from '@tabler/icons-react';
import { useState } from 'react';
import { changeDeployments } from '../../../../../src/sdk/index.ts';
import type { BulkAnswer, QueueEntry } from '../../../../../src/sdk/types.gen.ts';
import { ask } from '../../../api/client.ts';
import { confirmThat, sayDone, sayFailed } from '../../../parts/feedback.tsx';
import { backToBefore, inParts, movedBy, type PriorityChange } from './priority-changes.ts';

type Result = BulkAnswer['results'][number];

interface Deed {
  readonly deed: () => Promise<readonly Result[]>;
  /** What became of them, as in "3 raised". */
  readonly said: string;
  readonly undo?: (changed: ReadonlySet<string>) => PriorityChange[];
}

interface BulkActionsProps {
  readonly entries: readonly QueueEntry[];
  readonly onDone: () => Promise<void>;
  readonly onClear: () => void;
}

/** What is done to all that are selected. */
export function BulkActions({ entries, onDone, onClear }: BulkActionsProps) {
  const [isPending, setPending] = useState(false);
  const count = entries.length;
  const what = count === 1 ? (entries[0]?.name ?? 'One') : `${count} deployments`;

  async function run({ deed, said, undo }: Deed): Promise<void> {
    setPending(true);
    try {
      const results = await deed();
      const changed = new Set(results.filter(({ ok }) => ok).map(({ id }) => id));
      sayWhatBecame(results, said, undo === undefined ? undefined : () => setPriorities(undo(changed)).then(onDone));
      await onDone();
    } catch (error) {
      sayFailed(error);
    } finally {
      setPending(false);
    }
  }

  const move = (steps: number) =>
    void run({
      deed: () => setPriorities(movedBy(entries, steps)),
      said: steps < 0 ? 'raised' : 'lowered',
      undo: (changed) => backToBefore(entries, changed),
    });
  return (
    <Paper withBorder p="xs" role="toolbar" aria-label="What is selected">
      <Group gap="xs">
        <Text size="sm" fw={600} mr="xs">
          {what} selected
        </Text>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconChevronUp size={16} />}
          loading={isPending}
          onClick={() => move(-1)}
        >
          Raise
        </Button>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconChevronDown size={16} />}
          loading={isPending}
          onClick={() => move(1)}
        >
          Lower
        </Button>
        <Button
          size="xs"
          variant="light"
          color="red"
          leftSection={<IconX size={16} />}
          loading={isPending}
          onClick={() =>
            confirmThat({
              title: `Withdraw ${what}?`,
              text: 'They leave the queue. Retried later, they wait anew, from the end of their priority.',
              verb: 'Withdraw',
              onConfirm: () => void run({ deed: () => cancelAll(entries), said: 'withdrawn' }),
            })
          }
        >
          Withdraw
        </Button>
        <Button size="xs" variant="subtle" onClick={onClear}>
          Select none
        </Button>
      </Group>
    </Paper>
  );
}

async function setPriorities(changes: readonly PriorityChange[]): Promise<Result[]> {
  const results: Result[] = [];
  for (const { priority, ids } of changes) {
    const answer = await ask(changeDeployments({ body: { ids: [...ids], action: 'set_priority', priority } }));
    results.push(...answer.results);
  }
  return results;
}

async function cancelAll(entries: readonly QueueEntry[]): Promise<Result[]> {
  const results: Result[] = [];
  for (const ids of inParts(entries.map(({ deployment_id: id }) => id))) {
    results.push(...(await ask(changeDeployments({ body: { ids, action: 'cancel' } }))).results);
  }
  return results;
}

function sayWhatBecame(results: readonly Result[], said: string, undo?: () => Promise<unknown>): void {
  const refused = results.filter(({ ok }) => !ok);
  const done = results.length - refused.length;
  if (done > 0) sayDone(`${done} ${said}.`, undo);
  else if (refused.length === 0) sayDone('They are at the end of the scale already: nothing was changed.');
  const [first] = refused;
  if (first !== undefined) {
    sayFailed(
      new Error(`${refused.length} could not be ${said}. The first: ${first.error?.detail ?? 'no reason given.'}`),
    );
  }
}
