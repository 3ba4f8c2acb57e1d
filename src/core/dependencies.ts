/**
 * Deployments that wait for others: when one may go, and when it never will. Pure decisions; that they are made again for
 * whoever waits for what was skipped is up to the caller, round by round, so that chains may be as long as they like.
 */
import type { DeploymentStatus, FinalStatus } from './lifecycle.ts';
import { reasonText } from './reasons.ts';

export const conditions = ['succeeded', 'failed', 'any'] as const;
/** How what is waited for has to end; `any`: it has to end. */
export type Condition = (typeof conditions)[number];

/** How something ended; `deleted`: it is gone, and nobody will ever know. */
export type End = FinalStatus | 'deleted';

/** What came of one dependency: it is open, it is fulfilled, or it never will be. */
export type DependencyState = 'waiting' | 'met' | 'broken';

/** Why something was skipped, from the first cause on. */
export interface SkipChain {
  readonly cause: { readonly name: string; readonly end: End; readonly reason: string | null };
  /** Who was skipped because of it, in turn, by name: the first and the last of them. */
  readonly skipped: readonly string[];
  /** How many there were between those. */
  readonly leftOut: number;
}

/** What is waited for, as it stands. */
export interface Upstream {
  readonly name: string;
  /** Null: it has not ended. */
  readonly end: End | null;
  /** Why it ended so, in words. */
  readonly reason: string | null;
  /** Set where it was skipped itself. */
  readonly chain: SkipChain | null;
}

export interface Dependency {
  readonly condition: Condition;
  readonly upstream: Upstream;
}

/** Who waits, with what is not met yet. */
export interface Dependent {
  readonly name: string;
  readonly open: readonly Dependency[];
}

export type Verdict =
  /** All are met: it may run. */
  | { readonly kind: 'release' }
  | { readonly kind: 'wait'; readonly unmet: number }
  | { readonly kind: 'skip'; readonly chain: SkipChain; readonly reason: string };

export function stateOf({ condition, upstream: { end } }: Dependency): DependencyState {
  if (end === null) return 'waiting';
  return condition === 'any' || end === condition ? 'met' : 'broken';
}

/** One dependency that can't be met any more decides, whatever becomes of the others. */
export function decide({ name, open }: Dependent): Verdict {
  const broken = open.find((dependency) => stateOf(dependency) === 'broken');
  if (broken !== undefined) {
    const chain = chainOf(broken.upstream);
    return { kind: 'skip', chain, reason: skipReason(chain, broken, name) };
  }
  const unmet = open.filter((dependency) => stateOf(dependency) === 'waiting').length;
  return unmet === 0 ? { kind: 'release' } : { kind: 'wait', unmet };
}

/** Names at the beginning and at the end of a long chain that are kept. */
const namesKept = 4;

function chainOf({ name, end, reason, chain }: Upstream): SkipChain {
  if (chain === null || end !== 'skipped') {
    return { cause: { name, end: end ?? 'deleted', reason }, skipped: [], leftOut: 0 };
  }
  const skipped = [...chain.skipped, name];
  if (skipped.length <= 2 * namesKept) return { ...chain, skipped };
  return { ...chain, skipped: skipped.toSpliced(namesKept, 1), leftOut: chain.leftOut + 1 };
}

const ended = {
  succeeded: 'succeeded',
  failed: 'failed',
  cancelled: 'was cancelled',
  skipped: 'was skipped',
  deleted: 'was deleted',
} as const satisfies Record<End, string>;

/** "build failed (exited with 1), and test needed it to succeed". */
function skipReason({ cause, skipped, leftOut }: SkipChain, { condition }: Dependency, name: string): string {
  const why = cause.end === 'failed' && cause.reason !== null ? ` (${cause.reason})` : '';
  const between = inTurn(skipped, leftOut);
  const needed = (skipped.length > 1 ? skipped.at(-1) : undefined) ?? 'it';
  return reasonText('dependency_not_met', {
    cause: `${cause.name} ${ended[cause.end]}${why}${between}`,
    name,
    upstream: needed,
    condition: condition === 'failed' ? 'fail' : 'succeed',
  });
}

function inTurn(skipped: readonly string[], leftOut: number): string {
  if (skipped.length < 2) return skipped.length === 0 ? '' : `, so ${skipped[0]} was skipped`;
  const names = leftOut === 0 ? [...skipped] : skipped.toSpliced(namesKept, 0, `${leftOut} more`);
  return `, so ${names.slice(0, -1).join(', ')} and ${names.at(-1)} were skipped in turn`;
}

/**
 * How an array has ended as a whole: when the last of its elements has, and `succeeded` where all did. `counts` are of those that
 * there are; of `count` that were submitted, the rest was deleted.
 */
export function endOfArray(
  counts: Readonly<Partial<Record<DeploymentStatus, number>>>,
  count: number,
): Pick<Upstream, 'end' | 'reason'> {
  const of = (status: DeploymentStatus) => counts[status] ?? 0;
  if (of('queued') + of('starting') + of('running') + of('stopping') > 0) return { end: null, reason: null };
  const deleted = count - of('succeeded') - of('failed') - of('cancelled') - of('skipped');
  const worst = (
    [
      ['failed', of('failed')],
      ['skipped', of('skipped')],
      ['cancelled', of('cancelled')],
      ['deleted', deleted],
    ] as const
  ).find(([, many]) => many > 0);
  if (worst === undefined) return { end: 'succeeded', reason: null };
  return { end: worst[0], reason: `${worst[1]} of its ${count} ${worst[0]}` };
}

/**
 * A circle among those who wait for each other, from one of them back to it; null where there is none. Whoever is not a key of
 * the map waits for nobody. Depth first and without recursion: each edge is looked at once.
 */
export function findCycle(waitsFor: ReadonlyMap<string, readonly string[]>): string[] | null {
  const done = new Set<string>();
  for (const start of waitsFor.keys()) {
    const path: { readonly node: string; next: number }[] = [{ node: start, next: 0 }];
    const onPath = new Set([start]);
    while (!done.has(start)) {
      const here = path.at(-1);
      if (here === undefined) break;
      const target = waitsFor.get(here.node)?.[here.next];
      here.next += 1;
      if (target === undefined) {
        done.add(here.node);
        onPath.delete(here.node);
        path.pop();
      } else if (onPath.has(target)) {
        const nodes = path.map(({ node }) => node);
        return [...nodes.slice(nodes.indexOf(target)), target];
      } else if (!done.has(target)) {
        path.push({ node: target, next: 0 });
        onPath.add(target);
      }
    }
  }
  return null;
}
