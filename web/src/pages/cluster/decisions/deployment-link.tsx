import { Anchor } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { deploymentQuery } from '../../../api/queries.ts';
import { Link } from '../../../parts/link.tsx';

/** For what is known by its id only: its name, or the end of its id where it was deleted. */
export function DeploymentLink({ id }: { readonly id: string }) {
  const { data } = useQuery({ ...deploymentQuery(id), staleTime: Number.POSITIVE_INFINITY });
  return (
    <Anchor component={Link} to={`/deployments/${id}`} inherit>
      {data?.name ?? id.slice(-8)}
    </Anchor>
  );
}
