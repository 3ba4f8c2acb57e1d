import { Button, Group, PasswordInput, Stack, Text } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQueryClient } from '@tanstack/react-query';
import { updateMe } from '../../../../src/sdk/index.ts';
import { ask } from '../../api/client.ts';
import { sayDone } from '../../parts/feedback.tsx';
import { useFormDeed } from '../../parts/form.tsx';

const lengthMin = 10;

export function PasswordForm() {
  const queries = useQueryClient();
  const form = useForm({
    initialValues: { current_password: '', password: '', again: '' },
    validateInputOnBlur: true,
    validate: {
      password: (value) =>
        value !== '' && value.length < lengthMin ? `must have at least ${lengthMin} characters` : null,
      again: (value, { password }) => (value !== '' && value !== password ? 'is not the same' : null),
    },
  });
  const deed = useFormDeed(form, async ({ current_password, password }) => {
    await ask(updateMe({ body: { current_password, password } }));
    form.reset();
    sayDone('The password was changed, and all other sessions were ended.');
    void queries.invalidateQueries({ queryKey: ['me'] });
  });
  return (
    <form onSubmit={deed.onSubmit}>
      <Stack gap="sm">
        <PasswordInput
          label="Present password"
          required
          autoComplete="current-password"
          {...form.getInputProps('current_password')}
        />
        <PasswordInput label="New password" required autoComplete="new-password" {...form.getInputProps('password')} />
        <PasswordInput
          label="New password again"
          required
          autoComplete="new-password"
          {...form.getInputProps('again')}
        />
        <Group justify="space-between">
          <Text size="xs" c="dimmed">
            It ends all other sessions.
          </Text>
          <Button type="submit" loading={deed.isPending}>
            Change it
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
