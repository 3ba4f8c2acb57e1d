import { NavLink, ScrollArea } from '@mantine/core';
import { IconPoint } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useRouterState } from '@tanstack/react-router';
import { Fragment } from 'react';
import { clustersQuery } from '../api/queries.ts';
import { Link } from '../parts/link.tsx';
import { places } from './places.ts';

/** As many clusters as are worth a line each; the others are on their page. */
const clustersMax = 12;

export function Navigation() {
  const path = useRouterState({ select: ({ location }) => location.pathname });
  return (
    <ScrollArea component="nav" aria-label="Pages" type="auto">
      {places.map(({ to, label, Icon }) => (
        <Fragment key={to}>
          <NavLink
            component={Link}
            to={to}
            label={label}
            leftSection={<Icon size={18} />}
            active={to === '/' ? path === '/' : path.startsWith(to)}
            {...(path === to && { 'aria-current': 'page' as const })}
          />
          {to === '/clusters' && <Clusters path={path} />}
        </Fragment>
      ))}
    </ScrollArea>
  );
}

function Clusters({ path }: { readonly path: string }) {
  const { data: clusters } = useQuery(clustersQuery);
  return clusters?.items
    .slice(0, clustersMax)
    .map(({ id, name }) => (
      <NavLink
        key={id}
        component={Link}
        to={`/clusters/${id}`}
        label={name}
        pl="xl"
        py={4}
        leftSection={<IconPoint size={14} />}
        active={path === `/clusters/${id}`}
        variant="subtle"
      />
    ));
}
