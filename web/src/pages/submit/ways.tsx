import { Checkbox, Group, SegmentedControl, Stack, Text } from '@mantine/core';

/** How the documents become deployments. */
export interface Way {
  readonly as: 'submit' | 'apply';
  readonly replace: boolean;
  readonly rerun: boolean;
}

interface WaysProps {
  readonly way: Way;
  readonly isOfSeveral: boolean;
  readonly onChange: (way: Way) => void;
}

export function Ways({ way, isOfSeveral, onChange }: WaysProps) {
  return (
    <Stack gap={4}>
      <SegmentedControl
        aria-label="How"
        size="xs"
        data={[
          { value: 'submit', label: isOfSeveral ? 'Submit as new ones' : 'Submit as a new one' },
          { value: 'apply', label: 'Apply by name' },
        ]}
        value={way.as}
        onChange={(as) => onChange({ ...way, as: as === 'apply' ? 'apply' : 'submit' })}
      />
      <Text size="xs" c="dimmed">
        {way.as === 'apply'
          ? 'What is there under the same name is brought to what is written here; applied again, nothing changes.'
          : 'Beside whatever is there. All are accepted, or none.'}
      </Text>
      {way.as === 'apply' && (
        <Group gap="md">
          <Checkbox
            size="xs"
            label="Stop and replace what is active"
            checked={way.replace}
            onChange={({ currentTarget: { checked } }) => onChange({ ...way, replace: checked })}
          />
          <Checkbox
            size="xs"
            label="Run finished jobs again"
            checked={way.rerun}
            onChange={({ currentTarget: { checked } }) => onChange({ ...way, rerun: checked })}
          />
        </Group>
      )}
    </Stack>
  );
}
