import { Anchor, Button, PasswordInput, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQueryClient } from '@tanstack/react-query';
import { useRouter, useSearch } from '@tanstack/react-router';
import { register } from '../../../../src/sdk/index.ts';
import { ask } from '../../api/client.ts';
import { noteSignedIn } from '../../api/session.ts';
import { useFormDeed } from '../../parts/form.tsx';
import { Link } from '../../parts/link.tsx';
import { SignFrame } from './sign-frame.tsx';
import { inviteIn, withinTheSite } from './within-the-site.ts';

export function SignUpPage() {
  const { to, invite = inviteIn(to) ?? '' } = useSearch({ from: '/sign-up' });
  const queries = useQueryClient();
  const router = useRouter();
  const form = useForm({ initialValues: { username: '', email: '', password: '', invite } });
  const deed = useFormDeed(form, async ({ invite: code, ...account }) => {
    await ask(register({ body: { ...account, ...(code.trim() !== '' && { invite: code.trim() }) } }));
    noteSignedIn();
    queries.clear();
    // With the invite, one has joined already.
    router.history.push(code.trim() !== '' && code.trim() === inviteIn(to) ? '/' : withinTheSite(to));
  });
  return (
    <SignFrame
      title="Sign up"
      below={
        <>
          There is an account already?{' '}
          <Anchor
            component={Link}
            to={to === undefined ? '/sign-in' : `/sign-in?to=${encodeURIComponent(to)}`}
            underline="always"
          >
            Sign in
          </Anchor>
        </>
      }
    >
      <form onSubmit={deed.onSubmit}>
        <Stack>
          <TextInput label="Username" required autoComplete="username" autoFocus {...form.getInputProps('username')} />
          <TextInput label="E-mail" type="email" required autoComplete="email" {...form.getInputProps('email')} />
          <PasswordInput label="Password" required autoComplete="new-password" {...form.getInputProps('password')} />
          <TextInput label="Invite" description="If somebody gave you one." {...form.getInputProps('invite')} />
          <Button type="submit" loading={deed.isPending}>
            Sign up
          </Button>
        </Stack>
      </form>
    </SignFrame>
  );
}
