import { NavLink, ScrollArea } from '@mantine/core';
import { IconServer } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useRouterState } from '@tanstack/react-router';
import { clustersQuery } from '../api/queries.ts';
import { Link } from '../parts/link.tsx';
import { places } from './places.ts';

/** As many clusters as are worth a line each; the others are on their page. */
const clustersMax = 12;

export function Navigation() {
  const path = useRouterState({ select: ({ location }) => location.pathname });
  const { data: clusters } = useQuery(clustersQuery);
  return (
    <ScrollArea component="nav" aria-label="Pages" type="auto">
      {places.map(({ to, label, Icon }) => (
        <NavLink
          key={to}
          component={Link}
          to={to}
          label={label}
          leftSection={<Icon size={18} />}
          active={to === '/' ? path === '/' : path.startsWith(to)}
          {...(path === to && { 'aria-current': 'page' as const })}
        />
      ))}
      {clusters?.items.slice(0, clustersMax).map(({ id, name }) => (
        <NavLink
          key={id}
          component={Link}
          to={`/clusters/${id}`}
          label={name}
          pl="xl"
          leftSection={<IconServer size={14} />}
          active={path === `/clusters/${id}`}
          variant="subtle"
        />
      ))}
    </ScrollArea>
  );
}
