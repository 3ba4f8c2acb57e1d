import { Button } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { confirmThat, useDeed } from '../../parts/feedback.tsx';

interface RemovalButtonProps {
  /** "Revoke", "Delete". */
  readonly verb: string;
  readonly title: string;
  readonly text: string;
  readonly said: string;
  readonly run: () => Promise<unknown>;
}

/** Takes something away for good, after asking. */
export function RemovalButton({ verb, title, text, said, run }: RemovalButtonProps) {
  const queries = useQueryClient();
  const deed = useDeed(() => run().finally(() => void queries.invalidateQueries({ queryKey: ['people'] })), said);
  return (
    <Button
      size="compact-sm"
      variant="subtle"
      color="red"
      loading={deed.isPending}
      onClick={() => confirmThat({ title, text, verb, onConfirm: () => deed.mutate(undefined) })}
    >
      {verb}
    </Button>
  );
}
