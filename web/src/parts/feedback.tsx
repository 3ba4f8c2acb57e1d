/** What is said after something was done, and asked before something is done that can't be undone. */
import { Button, Group, Text } from '@mantine/core';
import { modals } from '@mantine/modals';
import { hideNotification, showNotification } from '@mantine/notifications';
import { useMutation } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ApiProblem, messageOf } from '../api/client.ts';
import { newKey } from '../text/new-key.ts';

export function sayDone(message: string, undo?: () => Promise<unknown>): void {
  if (undo === undefined) {
    showNotification({ message, color: 'teal' });
    return;
  }
  const id = newKey();
  showNotification({
    id,
    color: 'teal',
    autoClose: 10_000,
    message: (
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm">{message}</Text>
        <Button
          size="compact-sm"
          variant="default"
          onClick={() => {
            hideNotification(id);
            undo().then(() => sayDone('Undone.'), sayFailed);
          }}
        >
          Undo
        </Button>
      </Group>
    ),
  });
}

export function sayFailed(error: unknown): void {
  const fields = error instanceof ApiProblem ? error.fields.map(({ field, message }) => `${field}: ${message}`) : [];
  showNotification({
    title: 'That did not work',
    message: [messageOf(error), ...fields].join(' '),
    color: 'red',
    autoClose: 10_000,
  });
}

interface Confirmation {
  readonly title: string;
  readonly text: ReactNode;
  /** What the button says: the deed, not "OK". */
  readonly verb: string;
  /** What the other button says. */
  readonly otherwise?: string;
  readonly onConfirm: () => void;
  readonly onCancel?: () => void;
}

export function confirmThat({ title, text, verb, otherwise, onConfirm, onCancel }: Confirmation): void {
  modals.openConfirmModal({
    title,
    children: (
      <Text size="sm" component="div">
        {text}
      </Text>
    ),
    labels: { confirm: verb, cancel: otherwise ?? 'Keep it as it is' },
    confirmProps: { color: 'red' },
    onConfirm,
    ...(onCancel !== undefined && { onCancel }),
  });
}

/** True where it was confirmed; false where it was closed in any other way. */
export function asksWhether(question: Omit<Confirmation, 'onConfirm' | 'onCancel'>): Promise<boolean> {
  return new Promise((resolve) =>
    confirmThat({ ...question, onConfirm: () => resolve(true), onCancel: () => resolve(false) }),
  );
}

/** Something that is done with a click: says what came of it. */
export function useDeed<Input, Output>(
  run: (input: Input) => Promise<Output>,
  said: string | ((output: Output, input: Input) => string),
) {
  return useMutation({
    mutationFn: run,
    onSuccess: (output, input) => sayDone(typeof said === 'string' ? said : said(output, input)),
    onError: sayFailed,
  });
}
