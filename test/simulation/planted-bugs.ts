/**
 * Faults that are put into a history on purpose, to see that the auditor finds them. They are changes on the way between the loops and
 * the world, which only the simulation makes: there is no switch for them in the product.
 */
import type { Observations } from '../../src/control/observations.ts';
import type { Runtime } from '../../src/runtimes/runtime.ts';
import { nameOf } from '../../src/runtimes/simulated/behaviour.ts';
import type { DatabaseState } from '../audit/state.ts';
import type { Rewrite } from './database-port.ts';
import type { Engine } from './engine.ts';

export interface Surroundings {
  readonly engine: Engine;
  /** As it was audited last. */
  readonly state: () => DatabaseState | null;
}

export interface PlantedBug {
  readonly about: string;
  /** A statement of the product is another one on its way: what is to be found in it, and what stands there instead. */
  readonly rewrite?: readonly [found: string, instead: string];
  readonly runtime?: (runtime: Runtime, surroundings: Surroundings) => Runtime;
  readonly observe?: (observations: Observations, surroundings: Surroundings) => Observations;
  readonly answersEarly?: boolean;
}

export const plantedBugs: Readonly<Record<string, PlantedBug>> = {
  // First, as it takes the most histories: it comes to nothing but between two workers.
  'started-when-called-off': {
    about: 'a start does not look whether the container is still wanted, while another process stops it',
    runtime: (runtime) => ({ ...runtime, start: (spec) => runtime.start(spec) }),
  },
  'fence-not-looked-at': {
    about: 'a pass is committed by who had the lease once',
    rewrite: ['l.process_id = $2 and l.fence = $3::bigint', '$2::uuid is not null and $3::bigint is not null'],
  },
  'admitted-as-it-was': {
    about: 'a service that was updated while it waited is admitted as what it was when it was planned',
    rewrite: [
      '(d.replicas, d.ram_required * 1000, d.cpu_required * 1000, d.gpu_required * 1000) = (w.replicas, w.ram, w.cpu, w.gpu)',
      'true',
    ],
  },
  'commit-without-look': {
    about: 'a pass commits what it decided without looking whether it was cancelled meanwhile',
    rewrite: ["d.id = w.deployment_id and d.status = 'queued' and not d.held", 'd.id = w.deployment_id'],
  },
  'not-freed': {
    about: 'what an ended replica held is not freed',
    rewrite: ['delete from allocation a using', 'delete from allocation a using (select 1 where false) never,'],
  },
  'freed-twice': {
    about: 'what an ended replica held is freed twice',
    rewrite: [
      'delete from allocation a using',
      `with again as (update node n set ram_allocated = greatest(0, n.ram_allocated - 1)) delete from allocation a using`,
    ],
  },
  'freed-with-the-stop': {
    about: 'a stop is told as done when it was only begun',
    runtime: (runtime, { engine }) => ({
      ...runtime,
      async stop(key, grace) {
        const before = engine.containers.get(nameOf(key))?.state;
        const stopping = runtime.stop(key, grace);
        stopping.catch(() => undefined);
        if (before?.status !== 'running') return stopping;
        return { ...before, status: 'exited', exitCode: 143, finishedAt: before.startedAt };
      },
    }),
  },
  'lost-task-never-swept': {
    about: 'a task that was lost is not sent again',
    rewrite: ['order by changed_at, id, task limit 1000', 'order by changed_at, id, task limit 0'],
  },
  'lost-cleaning-never-swept': {
    about: 'a container that was not cleaned up is forgotten, and the listing does not tell of it',
    rewrite: ['order by 1, 2 limit 500', 'order by 1, 2 limit 0'],
    runtime: (runtime, { state }) => ({
      ...runtime,
      async list() {
        const ended = new Set(
          state()
            ?.replicas.filter(({ status }) => status === 'ended')
            .map(({ deployment_id: id, attempt, index }) => `${id}/${attempt}/${index}`),
        );
        const all = await runtime.list();
        return all.filter(({ key }) => !ended.has(`${key.deploymentId}/${key.attempt}/${key.replica}`));
      },
    }),
  },
  'start-makes-a-second': {
    about: 'a repeated start makes a second container instead of finding the first',
    runtime: (runtime, { engine }) => ({
      ...runtime,
      async start(spec, isWanted) {
        const first = engine.containers.get(nameOf(spec.key));
        const state = await runtime.start(spec, isWanted);
        if (first === undefined || first.state.status !== 'running') return state;
        const name = `${nameOf(spec.key)}/again-${engine.containers.size}`;
        engine.create(spec, name);
        const second = engine.containers.get(name);
        if (second !== undefined) engine.start(second);
        return state;
      },
    }),
  },
  'observation-without-lock': {
    about: 'what was seen is written over what a person has decided meanwhile: the deployment is not locked',
    rewrite: ["'stopping') order by id for update", "'stopping') order by id"],
  },
  'requeued-as-the-same-attempt': {
    about: 'who goes back to the queue is no new attempt',
    rewrite: ['attempt = d.attempt + c.requeued::int', 'attempt = d.attempt'],
  },
  'time-limit-forgotten': {
    about: 'nobody looks at time limits',
    rewrite: ['started_at + make_interval(secs => time_limit_s) <= now()', 'false'],
  },
  'memory-hears-nothing': {
    about: 'the scheduler goes on from what it remembers, and hears of no change',
    rewrite: [
      'where cluster_id = $1 and tx >= $2::xid8 order by 1',
      'where cluster_id = $1 and tx >= $2::xid8 and false order by 1',
    ],
  },
  'answered-before-the-commit': {
    about: 'a submission is acknowledged before it is written',
    answersEarly: true,
  },
  'killed-counts-as-success': {
    about: 'the exit code is not looked at',
    observe: (observations) => ({
      record: (observation) =>
        observations.record(
          observation.kind === 'ended' && observation.cause === undefined
            ? { ...observation, exitCode: 0 }
            : observation,
        ),
    }),
  },
  'gang-loses-one': {
    about: 'of a gang only the first replica is placed',
    rewrite: ['on r.deployment_id = a.id\n', 'on r.deployment_id = a.id and r.replica = 0\n'],
  },
};

/** Counts how often it found what it is to replace: a fault that is planted nowhere proves nothing. */
export function rewriteOf(bug: PlantedBug | null): { rewrite: Rewrite; applied: () => number } {
  let count = 0;
  const change = bug?.rewrite;
  if (change === undefined) return { rewrite: (text) => text, applied: () => 1 };
  const [found, instead] = change;
  return {
    rewrite(text) {
      if (!text.includes(found)) return text;
      count += 1;
      return text.replace(found, instead);
    },
    applied: () => count,
  };
}
