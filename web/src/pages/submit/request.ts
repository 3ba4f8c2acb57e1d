/** From what was written to what the API takes, and from what it answers back to what was written. */
import type { DeploymentCreate } from '../../../../src/sdk/types.gen.ts';
import type { Path } from './check-schema.ts';
import type { Draft, DraftProblem, Fields } from './draft.ts';

interface NamedCluster {
  readonly id: string;
  readonly name: string;
}

export interface Request {
  /** Empty while something is wrong. */
  readonly deployments: readonly DeploymentCreate[];
  readonly problems: readonly DraftProblem[];
}

/** Names of clusters become ids; where there is only one, nobody needs to name it. */
export function requestOf(draft: Draft, clusters: readonly NamedCluster[]): Request {
  const read = draft.documents.map(({ fields }, document) => bodyOf(fields ?? {}, document, clusters));
  const problems = [...draft.problems, ...read.flatMap((one) => ('problem' in one ? [one.problem] : []))];
  const deployments = problems.length > 0 ? [] : read.flatMap((one) => ('body' in one ? [one.body] : []));
  return { deployments, problems };
}

function bodyOf(
  fields: Fields,
  document: number,
  clusters: readonly NamedCluster[],
): { readonly body: DeploymentCreate } | { readonly problem: DraftProblem } {
  const { cluster: named, ...rest } = fields;
  const found =
    named === undefined
      ? clusters.length === 1 && clusters[0]
      : (clusters.find(({ id, name }) => name === named || id === named) ?? beyond(named));
  if (!found) {
    const isMissing = named === undefined || named === null;
    const names = namesOf(clusters);
    const message = isMissing ? `is missing: one of ${names}` : `must be one of ${names}`;
    return { problem: { document, path: ['cluster'], message, isMissing } };
  }
  const sent = Object.fromEntries(Object.entries(rest).filter(([key]) => !key.startsWith('x-')));
  // It has passed the check of the schema.
  return { body: { ...sent, cluster_id: found.id } as DeploymentCreate };
}

/** There may be more clusters than are listed: the server knows whether there is one of that id. */
function beyond(named: unknown): Pick<NamedCluster, 'id'> | undefined {
  return typeof named === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(named)
    ? { id: named }
    : undefined;
}

const namesMax = 10;

const namesOf = (clusters: readonly NamedCluster[]): string =>
  `${clusters
    .slice(0, namesMax)
    .map(({ name }) => name)
    .join(', ')}${clusters.length > namesMax ? ', …' : ''}`;

/** A field of a request, "deployments.1.env.A" or "env.A", as a place in the draft. */
export function problemOfField({ field, message }: { readonly field: string; readonly message: string }): DraftProblem {
  const parts = field.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part));
  const isOfSeveral = parts[0] === 'deployments' && typeof parts[1] === 'number';
  const document = isOfSeveral ? Number(parts[1]) : 0;
  const path: Path = isOfSeveral ? parts.slice(2) : parts;
  return { document, path: path.map((part) => (part === 'cluster_id' ? 'cluster' : part)), message, isMissing: false };
}
