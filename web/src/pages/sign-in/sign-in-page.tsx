import { Anchor, Button, PasswordInput, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQueryClient } from '@tanstack/react-query';
import { useRouter, useSearch } from '@tanstack/react-router';
import { signIn } from '../../../../src/sdk/index.ts';
import { ask } from '../../api/client.ts';
import { noteSignedIn } from '../../api/session.ts';
import { useFormDeed } from '../../parts/form.tsx';
import { Link } from '../../parts/link.tsx';
import { SignFrame } from './sign-frame.tsx';
import { withinTheSite } from './within-the-site.ts';

export function SignInPage() {
  const { to } = useSearch({ from: '/sign-in' });
  const queries = useQueryClient();
  const router = useRouter();
  const form = useForm({ initialValues: { username: '', password: '' } });
  const deed = useFormDeed(form, async (values) => {
    await ask(signIn({ body: values }));
    noteSignedIn();
    queries.clear();
    router.history.push(withinTheSite(to));
  });
  return (
    <SignFrame
      title="Sign in"
      below={
        <>
          No account yet?{' '}
          <Anchor
            component={Link}
            to={to === undefined ? '/sign-up' : `/sign-up?to=${encodeURIComponent(to)}`}
            underline="always"
          >
            Sign up
          </Anchor>
        </>
      }
    >
      <form onSubmit={deed.onSubmit}>
        <Stack>
          <TextInput label="Username" required autoComplete="username" autoFocus {...form.getInputProps('username')} />
          <PasswordInput
            label="Password"
            required
            autoComplete="current-password"
            {...form.getInputProps('password')}
          />
          <Button type="submit" loading={deed.isPending}>
            Sign in
          </Button>
        </Stack>
      </form>
    </SignFrame>
  );
}
