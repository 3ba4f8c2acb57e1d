/** What is around every page: where one is, where one can go, who one is. */
import { AppShell, Burger, Group, Loader, Text, Tooltip, UnstyledButton } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconSearch } from '@tabler/icons-react';
import { useSuspenseQuery } from '@tanstack/react-query';
import { Outlet, useRouterState } from '@tanstack/react-router';
import { useEffect } from 'react';
import { LiveProvider, useLiveState } from '../api/live.tsx';
import { meQuery } from '../api/queries.ts';
import { Link } from '../parts/link.tsx';
import { AccountMenu } from './account-menu.tsx';
import { FirstOrganization } from './first-organization.tsx';
import { Navigation } from './navigation.tsx';
import { openPalette } from './open-palette.ts';
import { PaletteHost } from './palette-host.tsx';

export function Shell() {
  const { data: me } = useSuspenseQuery(meQuery);
  if (me.organization === null) return <FirstOrganization />;
  return (
    <LiveProvider organizationId={me.organization.id} key={me.organization.id}>
      <Frame />
    </LiveProvider>
  );
}

function Frame() {
  const [isOpen, { toggle, close }] = useDisclosure(false);
  const path = useRouterState({ select: ({ location }) => location.pathname });
  // On a phone the navigation covers the page that it has led to.
  useEffect(close, [path, close]);
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 240, breakpoint: 'sm', collapsed: { mobile: !isOpen } }}
      padding="md"
    >
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger opened={isOpen} onClick={toggle} hiddenFrom="sm" size="sm" aria-label="Navigation" />
            <Group
              component={Link}
              {...{ to: '/' }}
              gap={8}
              wrap="nowrap"
              td="none"
              c="inherit"
              aria-label="Hypervisor: overview"
            >
              <img src="/favicon.svg" alt="" width={26} height={26} />
              <Text fw={700} visibleFrom="xs">
                Hypervisor
              </Text>
            </Group>
          </Group>
          <Group gap="sm" wrap="nowrap">
            <LiveSign />
            <PaletteButton />
            <AccountMenu />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs">
        <Navigation />
      </AppShell.Navbar>
      <AppShell.Main>
        <Outlet />
      </AppShell.Main>
      <PaletteHost />
    </AppShell>
  );
}

function PaletteButton() {
  return (
    <Tooltip label="Find anything, do anything: Ctrl-K">
      <UnstyledButton onClick={openPalette} aria-label="Ctrl-K: search" aria-keyshortcuts="Control+K" p={6}>
        <Group gap={6} wrap="nowrap">
          <IconSearch size={18} />
          <Text size="sm" c="dimmed" visibleFrom="sm">
            Ctrl-K
          </Text>
        </Group>
      </UnstyledButton>
    </Tooltip>
  );
}

/** Only where something is wrong: that all is well needs no sign. */
function LiveSign() {
  const state = useLiveState();
  if (state !== 'lost') return null;
  return (
    <Tooltip label="What is shown may be old. It is brought up to date by itself when the server answers again.">
      <Group gap={6} wrap="nowrap" role="status">
        <Loader size={14} color="orange" />
        <Text size="sm" c="orange">
          Connecting
        </Text>
      </Group>
    </Tooltip>
  );
}
