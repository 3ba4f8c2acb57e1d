import { Avatar, Menu, UnstyledButton, useMantineColorScheme } from '@mantine/core';
import {
  IconBook2,
  IconCheck,
  IconDeviceDesktop,
  IconLogout,
  IconMoon,
  IconPlus,
  IconSun,
  IconUser,
} from '@tabler/icons-react';
import { useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { signOut, updateMe } from '../../../src/sdk/index.ts';
import { ask } from '../api/client.ts';
import { meQuery } from '../api/queries.ts';
import { sayFailed } from '../parts/feedback.tsx';
import { Link } from '../parts/link.tsx';
import { NewOrganization } from './new-organization.tsx';

const schemes = [
  { value: 'light', label: 'Light', Icon: IconSun },
  { value: 'dark', label: 'Dark', Icon: IconMoon },
  { value: 'auto', label: 'As the system', Icon: IconDeviceDesktop },
] as const;

export function AccountMenu() {
  const { data: me } = useSuspenseQuery(meQuery);
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const [isMaking, setIsMaking] = useState(false);
  const queries = useQueryClient();
  const navigate = useNavigate();

  async function use(organizationId: string): Promise<void> {
    await ask(updateMe({ body: { organization_id: organizationId } }));
    // Nothing of the other organization is shown in this one.
    queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'me' });
    await queries.invalidateQueries(meQuery);
    await navigate({ to: '/' });
  }

  async function leave(): Promise<void> {
    await ask(signOut());
    await navigate({ to: '/sign-in' });
    queries.clear();
  }

  return (
    <>
      <Menu position="bottom-end" width={240}>
        <Menu.Target>
          <UnstyledButton aria-label={`Account of ${me.user.username}`}>
            <Avatar size={32} color="indigo" alt="">
              <IconUser size={18} />
            </Avatar>
          </UnstyledButton>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>{me.user.username}</Menu.Label>
          <Menu.Item leftSection={<IconUser size={16} />} component={Link} to="/account">
            Account
          </Menu.Item>
          <Menu.Item leftSection={<IconBook2 size={16} />} component="a" href="/api/docs">
            API
          </Menu.Item>
          <Menu.Divider />
          <Menu.Label>Organization</Menu.Label>
          {me.organizations.map(({ id, name, role }) => (
            <Menu.Item
              key={id}
              leftSection={id === me.organization?.id ? <IconCheck size={16} /> : <span style={{ width: 16 }} />}
              onClick={() => void use(id).catch(sayFailed)}
            >
              {name} ({role})
            </Menu.Item>
          ))}
          <Menu.Item leftSection={<IconPlus size={16} />} onClick={() => setIsMaking(true)}>
            New organization
          </Menu.Item>
          <Menu.Divider />
          <Menu.Label>Colours</Menu.Label>
          {schemes.map(({ value, label, Icon }) => (
            <Menu.Item
              key={value}
              leftSection={<Icon size={16} />}
              rightSection={colorScheme === value ? <IconCheck size={16} /> : null}
              onClick={() => setColorScheme(value)}
            >
              {label}
            </Menu.Item>
          ))}
          <Menu.Divider />
          <Menu.Item leftSection={<IconLogout size={16} />} onClick={() => void leave().catch(sayFailed)}>
            Sign out
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <NewOrganization isOpen={isMaking} onClose={() => setIsMaking(false)} />
    </>
  );
}
