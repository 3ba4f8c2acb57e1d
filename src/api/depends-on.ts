/** From the names in `depends_on` to what they mean; with the checks that a schema cannot say. */
import { findCycle } from '../core/dependencies.ts';
import type { Database } from '../store/database.ts';
import { findUpstreams } from '../store/find-upstreams.ts';
import type { Scope } from '../store/scope.ts';
import type { NewDependency, NewDeployment } from '../store/submit.ts';
import { type FieldError, invalidFields } from './errors.ts';
import type { DeploymentBody } from './submission.ts';

/** A submission writes at most so many rows for what it waits for. */
const rowsMax = 100_000;

/**
 * What each of these deployments waits for. Throws 400 where a name means nothing, where some wait for each other in a circle, and
 * where it would be too much.
 */
export async function resolveDependencies(
  db: Database,
  scope: Scope,
  deployments: readonly NewDeployment[],
  bodies: readonly DeploymentBody[],
  fieldOf: (index: number, field: string) => string,
): Promise<NewDependency[][]> {
  if (bodies.every((body) => body.depends_on.length === 0)) return bodies.map(() => []);
  const beside = namesOf(deployments);
  const outside = bodies.flatMap(({ depends_on: needs }, index) =>
    needs.flatMap(({ deployment: wanted }) => (findBeside(beside, wanted, index) === undefined ? [wanted] : [])),
  );
  const found = await findUpstreams(db, scope, outside);
  const errors: FieldError[] = [];
  const resolved = bodies.map(({ depends_on: needs }, index) =>
    needs.flatMap(({ deployment: wanted, condition }, place): NewDependency[] => {
      const upstream = findBeside(beside, wanted, index) ?? found.get(wanted);
      if (upstream !== undefined) return [{ ...upstream, condition }];
      errors.push({ field: fieldOf(index, `depends_on.${place}.deployment`), message: unknown(wanted, deployments) });
      return [];
    }),
  );
  if (errors.length > 0) throw invalidFields(errors);
  refuseTooMany(deployments, resolved, fieldOf);
  refuseCycles(deployments, resolved, fieldOf);
  return resolved;
}

function unknown(wanted: string, deployments: readonly NewDeployment[]): string {
  const [name] = elementOf(wanted);
  const same = deployments.filter((one) => one.name === name).length;
  if (same > 1) return `is "${wanted}", and ${same} of these have that name: give each a name of its own`;
  return `is "${wanted}", and there is no such deployment: neither by this id or name in the organization, nor in this request`;
}

type Beside = ReadonlyMap<string, readonly { readonly index: number; readonly deployment: NewDeployment }[]>;

function namesOf(deployments: readonly NewDeployment[]): Beside {
  const names = new Map<string, { index: number; deployment: NewDeployment }[]>();
  for (const [index, deployment] of deployments.entries()) {
    names.set(deployment.name, [...(names.get(deployment.name) ?? []), { index, deployment }]);
  }
  return names;
}

/** "train[3]" is element 3 of the array "train". */
function elementOf(wanted: string): [name: string, element: number | undefined] {
  const match = /^(.+)\[(\d+)\]$/.exec(wanted);
  return match === null ? [wanted, undefined] : [match[1] ?? '', Number(match[2])];
}

/**
 * The one of the same request that has this name. One that names itself means an earlier one: that a job waits for its last run is no
 * circle.
 */
function findBeside(beside: Beside, wanted: string, ownIndex: number): Omit<NewDependency, 'condition'> | undefined {
  const [name, element] = elementOf(wanted);
  const others = (beside.get(name) ?? []).filter(({ index }) => index !== ownIndex);
  const [only] = others;
  if (only === undefined || others.length > 1) return undefined;
  const { id, array } = only.deployment;
  if (element !== undefined) {
    const elementId = array?.elementIds[element];
    return elementId === undefined ? undefined : { deploymentId: elementId, arrayId: null, name: wanted };
  }
  return array === null ? { deploymentId: id, arrayId: null, name } : { deploymentId: null, arrayId: array.id, name };
}

function refuseTooMany(
  deployments: readonly NewDeployment[],
  resolved: readonly NewDependency[][],
  fieldOf: (index: number, field: string) => string,
): void {
  let rows = 0;
  for (const [index, { array }] of deployments.entries()) {
    rows += (array?.elementIds.length ?? 1) * (resolved[index]?.length ?? 0);
    if (rows <= rowsMax) continue;
    const message = `make ${rows} of one thing waiting for another, and at most ${rowsMax} can be submitted at once: let one small job wait for them, and the array for that`;
    throw invalidFields([{ field: fieldOf(index, 'depends_on'), message }]);
  }
}

/** What is there already can't wait for what is being submitted: only those of one request can wait for each other. */
function refuseCycles(
  deployments: readonly NewDeployment[],
  resolved: readonly NewDependency[][],
  fieldOf: (index: number, field: string) => string,
): void {
  const indexOf = new Map<string, number>();
  for (const [index, { id, array }] of deployments.entries()) {
    for (const one of array === null ? [id] : [array.id, ...array.elementIds]) indexOf.set(one, index);
  }
  const waitsFor = new Map(
    resolved.map((needs, index) => [
      String(index),
      needs.flatMap(({ deploymentId, arrayId }) => indexOf.get(deploymentId ?? arrayId ?? '') ?? []).map(String),
    ]),
  );
  const cycle = findCycle(waitsFor);
  if (cycle === null) return;
  const names = cycle.map((index) => deployments[Number(index)]?.name ?? '');
  const message = `leads back to itself: ${names.join(' waits for ')}`;
  throw invalidFields([{ field: fieldOf(Number(cycle[0]), 'depends_on'), message }]);
}
