import { Alert, Button, CopyButton, Group, Stack, Text, TextInput } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';

interface ShownOnceProps {
  readonly label: string;
  readonly value: string;
  /** What becomes of it when this is closed. */
  readonly about: string;
  readonly onClose: () => void;
}

/** Something secret that was just made: the server does not tell it again. */
export function ShownOnce({ label, value, about, onClose }: ShownOnceProps) {
  return (
    <Stack>
      <Alert color="yellow">{about}</Alert>
      <TextInput
        label={label}
        value={value}
        readOnly
        styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
        onFocus={({ currentTarget }) => currentTarget.select()}
        data-autofocus
      />
      <Group justify="flex-end">
        <CopyButton value={value}>
          {({ copied, copy }) => (
            <Button
              variant="default"
              leftSection={copied ? <IconCheck size={16} /> : <IconCopy size={16} />}
              onClick={copy}
            >
              {copied ? 'Copied' : 'Copy'}
            </Button>
          )}
        </CopyButton>
        <Button onClick={onClose}>Done</Button>
      </Group>
      <Text size="xs" c="dimmed">
        Where copying does nothing, mark the text and copy it by hand.
      </Text>
    </Stack>
  );
}
