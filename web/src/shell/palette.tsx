/** Ctrl-K: every page, every cluster, and deployments by name. */

import { useDebouncedValue } from '@mantine/hooks';
import { createSpotlight, Spotlight, type SpotlightActionData } from '@mantine/spotlight';
import { IconBox, IconSearch, IconServer } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { listDeployments } from '../../../src/sdk/index.ts';
import { ask } from '../api/client.ts';
import { clustersQuery, keepWhile } from '../api/queries.ts';
import { places } from './places.ts';

const [store, spotlight] = createSpotlight();

const foundMax = 8;

/** Opens each time that `asked` grows. */
export default function Palette({ asked }: { readonly asked: number }) {
  const navigate = useNavigate();
  const [text, setText] = useState('');
  const [wanted] = useDebouncedValue(text.trim(), 150);
  const { data: clusters } = useQuery(clustersQuery);
  const { data: found } = useQuery({
    queryKey: ['deployments', 'palette', wanted],
    queryFn: ({ signal }) => ask(listDeployments({ query: { name: wanted, limit: foundMax }, signal })),
    placeholderData: keepWhile('deployments', 'palette'),
    enabled: wanted !== '',
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is what is waited for
  useEffect(() => spotlight.open(), [asked]);

  const pages: SpotlightActionData[] = places.map(({ to, label, about, Icon }) => ({
    id: to,
    label,
    description: about,
    leftSection: <Icon size={20} />,
    onClick: () => void navigate({ to }),
  }));
  const ofClusters: SpotlightActionData[] = (clusters?.items ?? []).map(({ id, name, status }) => ({
    id,
    label: name,
    description: status === 'ready' ? 'Cluster' : `Cluster, ${status}`,
    leftSection: <IconServer size={20} />,
    onClick: () => void navigate({ to: '/clusters/$clusterId', params: { clusterId: id } }),
  }));
  const ofDeployments: SpotlightActionData[] = (wanted === '' ? [] : (found?.items ?? [])).map(
    ({ id, name, status, kind }) => ({
      id,
      label: name,
      description: `${kind === 'job' ? 'Job' : 'Service'}, ${status}`,
      // The server has found it; the palette need not look again.
      keywords: [text],
      leftSection: <IconBox size={20} />,
      onClick: () => void navigate({ to: '/deployments/$deploymentId', params: { deploymentId: id } }),
    }),
  );

  return (
    <Spotlight
      store={store}
      query={text}
      onQueryChange={setText}
      shortcut={null}
      attributes={{ content: { 'aria-label': 'Search' } }}
      actions={[
        { group: 'Pages', actions: pages },
        { group: 'Clusters', actions: ofClusters },
        { group: 'Deployments', actions: ofDeployments },
      ]}
      nothingFound="Nothing has this name."
      highlightQuery
      scrollable
      limit={30}
      searchProps={{
        leftSection: <IconSearch size={20} />,
        placeholder: 'A page, a cluster or a deployment',
        'aria-label': 'Search',
      }}
    />
  );
}
