/** Who did what: the events of the organization, the latest first, live. */
import { Anchor, Badge, Button, Group, Select } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { Event } from '../../../../src/sdk/types.gen.ts';
import { deploymentNameQuery } from '../../api/people-queries.ts';
import { clustersQuery, eventsQuery, membersQuery } from '../../api/queries.ts';
import { Link } from '../../parts/link.tsx';
import { Empty } from '../../parts/page-states.tsx';
import { Time } from '../../parts/time.tsx';
import type { Column } from '../../parts/virtual-table.tsx';
import { eventFamilies } from '../../text/event-families.ts';
import { titleOf, toneOf } from '../../text/events.ts';
import { PagedTable } from './paged-table.tsx';

export default function Audit({ organizationId }: { readonly organizationId: string }) {
  const { kind, person } = useSearch({ from: '/app/people' });
  const navigate = useNavigate();
  const { data: members } = useQuery(membersQuery(organizationId));
  const names = new Map(members?.items.map(({ user_id: id, username }) => [id, username]));
  const list = useInfiniteQuery(
    eventsQuery({ ...(kind !== undefined && { type: kind }), ...(person !== undefined && { actor_id: person }) }),
  );
  const filter = (changed: { readonly kind?: string | undefined; readonly person?: string | undefined }) =>
    void navigate({ to: '/people', search: { tab: 'audit', kind, person, ...changed }, replace: true });
  return (
    <>
      <Group mb="md" gap="sm">
        <Select
          aria-label="Kind"
          placeholder="Everything"
          data={choicesWith(kind, eventFamilies)}
          value={kind ?? null}
          onChange={(chosen) => filter({ kind: chosen ?? undefined })}
          clearable
          searchable
        />
        <Select
          aria-label="Person"
          placeholder="By anybody"
          data={choicesWith(
            person,
            [...names].map(([value, label]) => ({ value, label })),
          )}
          value={person ?? null}
          onChange={(chosen) => filter({ person: chosen ?? undefined })}
          clearable
          searchable
        />
        {(kind !== undefined || person !== undefined) && (
          <Button variant="subtle" onClick={() => filter({ kind: undefined, person: undefined })}>
            Without filters
          </Button>
        )}
      </Group>
      <PagedTable
        label="Events"
        list={list}
        idOf={({ id }) => id}
        columns={columnsWith(names)}
        empty={<Empty title="Nothing matches">There are no events with these filters.</Empty>}
      />
    </>
  );
}

interface Choice {
  readonly value: string;
  readonly label: string;
}

/** What was chosen in the address is a choice, also where it is none of the usual ones. */
function choicesWith(chosen: string | undefined, choices: readonly Choice[]): Choice[] {
  const isKnown = chosen === undefined || choices.some(({ value }) => value === chosen);
  return isKnown ? [...choices] : [...choices, { value: chosen, label: chosen }];
}

function columnsWith(names: ReadonlyMap<string, string>): readonly Column<Event>[] {
  return [
    { name: 'at', label: 'When', width: '120px', cell: ({ created_at: at }) => <Time at={at} /> },
    {
      name: 'who',
      label: 'Who',
      width: '130px',
      cell: ({ actor_id: id }) => (id === null ? 'Hypervisor' : (names.get(id) ?? 'somebody who left')),
    },
    {
      name: 'kind',
      label: 'What',
      width: '200px',
      cell: ({ type }) => <Badge color={toneOf(type)}>{titleOf(type)}</Badge>,
    },
    { name: 'subject', label: 'Of', width: 'minmax(110px, 1fr)', cell: (event) => <Subject event={event} /> },
    {
      name: 'message',
      label: 'In words',
      width: 'minmax(220px, 3fr)',
      cell: ({ message }) => <span title={message}>{message}</span>,
    },
  ];
}

/** Which deployment or cluster it is about; what was deleted is only named in the words. */
function Subject({ event: { deployment_id: deployment, cluster_id: cluster, type } }: { readonly event: Event }) {
  if (type.endsWith('.deleted')) return null;
  if (deployment !== null) return <DeploymentLink id={deployment} />;
  return cluster === null ? null : <ClusterLink id={cluster} />;
}

function DeploymentLink({ id }: { readonly id: string }) {
  const { data: name } = useQuery(deploymentNameQuery(id));
  if (name === undefined || name === null) return null;
  return (
    <Anchor component={Link} to={`/deployments/${id}`} inherit>
      {name}
    </Anchor>
  );
}

function ClusterLink({ id }: { readonly id: string }) {
  const { data: clusters } = useQuery(clustersQuery);
  const name = clusters?.items.find((one) => one.id === id)?.name;
  if (name === undefined) return null;
  return (
    <Anchor component={Link} to={`/clusters/${id}`} inherit>
      {name}
    </Anchor>
  );
}
