/** What happens in a history: a few deployments, what people want of them, and what goes wrong. Small, so that much can collide. */
import fc from 'fast-check';

export interface SimulatedDeployment {
  readonly atMs: number;
  readonly kind: 'job' | 'service';
  readonly ram: number;
  readonly gpu: number;
  readonly replicas: number;
  readonly priority: number;
  readonly runMs: number;
  /** `crashes-once`: the first attempt fails, and the next ones do not. */
  readonly end: 'well' | 'badly' | 'crashes-once' | 'no-image' | 'no-start';
  readonly ignoresTerm: boolean;
  readonly timeLimitSeconds: number | null;
  readonly retries: number;
  readonly restarts: boolean;
}

export interface PersonsRequest {
  readonly atMs: number;
  /** Which deployment; counted round. */
  readonly which: number;
  readonly verb: 'cancel' | 'stop';
}

/** What a service is to be from now on; null: as it was. */
export interface ServiceUpdate {
  readonly atMs: number;
  /** Which of the services; counted round. */
  readonly which: number;
  readonly replicas: number | null;
  readonly ram: number | null;
  /** Whether its containers are others from now on, whatever their size. */
  readonly environment: boolean;
}

/** Which process: counted round. */
export type Fault =
  | { readonly kind: 'crash'; readonly atMs: number; readonly process: number; readonly downMs: number }
  | {
      readonly kind: 'partition';
      readonly atMs: number;
      readonly process: number;
      readonly from: 'database' | 'engine' | 'queue';
      readonly forMs: number;
    }
  /** It stands still, and goes on as if no time had passed: what it asked for and was asked for comes late. */
  | { readonly kind: 'stall'; readonly atMs: number; readonly process: number; readonly forMs: number }
  | { readonly kind: 'vanish'; readonly atMs: number; readonly which: number }
  | { readonly kind: 'clock'; readonly atMs: number; readonly of: 'database' | 'engine'; readonly byMs: number };

export interface SimulationNoise {
  readonly cut: number;
  readonly latencyMsMax: number;
  readonly lostTasks: number;
  readonly doubledTasks: number;
  readonly taskDelayMsMax: number;
  readonly lostEvents: number;
  readonly doubledEvents: number;
  readonly eventDelayMsMax: number;
  /** An image that is not there yet takes its time. */
  readonly pullMsMax: number;
}

export interface Scenario {
  /** Of the dice that decide what comes first. */
  readonly dice: number;
  /**
   * All loops in one process; those that decide apart from those that act; two that act, who know nothing of each other; or two that
   * decide, each what it has a lease of.
   */
  readonly topology: 'whole' | 'split' | 'crew' | 'pair';
  readonly nodes: readonly { readonly ram: number; readonly gpu: number }[];
  readonly preemption: boolean;
  readonly lostAfterSeconds: number;
  readonly noise: SimulationNoise;
  readonly deployments: readonly SimulatedDeployment[];
  readonly requests: readonly PersonsRequest[];
  readonly updates: readonly ServiceUpdate[];
  readonly faults: readonly Fault[];
}

const troubleMsMax = 8_000;

const soon = fc.integer({ min: 0, max: 3_000 });
const seldom = fc.constantFrom(false, false, false, true);
const share = (most: number) => fc.integer({ min: 0, max: 10 }).map((tenths) => (tenths * most) / 10);

const deployment: fc.Arbitrary<SimulatedDeployment> = fc.record({
  atMs: fc.integer({ min: 0, max: 2_000 }),
  kind: fc.constantFrom('job', 'job', 'job', 'service'),
  ram: fc.constantFrom(1, 1, 2),
  gpu: fc.constantFrom(0, 0, 1),
  replicas: fc.constantFrom(1, 1, 2),
  priority: fc.constantFrom(50, 50, 10, 90),
  runMs: fc.integer({ min: 1, max: 1_500 }),
  end: fc.constantFrom('well', 'well', 'well', 'badly', 'crashes-once', 'crashes-once', 'no-image', 'no-start'),
  ignoresTerm: seldom,
  timeLimitSeconds: fc.constantFrom(null, null, null, 1, 2),
  retries: fc.constantFrom(0, 1, 2),
  restarts: seldom,
});

const request: fc.Arbitrary<PersonsRequest> = fc.record({
  atMs: soon,
  which: fc.nat({ max: 11 }),
  verb: fc.constantFrom('cancel', 'stop'),
});

const update: fc.Arbitrary<ServiceUpdate> = fc.record({
  atMs: soon,
  which: fc.nat({ max: 3 }),
  replicas: fc.constantFrom(null, 1, 2, 3),
  ram: fc.constantFrom(null, null, 1, 2),
  environment: fc.boolean(),
});

const which = fc.nat({ max: 2 });
const fault: fc.Arbitrary<Fault> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('crash' as const), atMs: soon, process: which, downMs: soon }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('partition' as const),
      atMs: soon,
      process: which,
      from: fc.constantFrom('database', 'engine', 'queue'),
      forMs: soon,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('stall' as const),
      atMs: soon,
      process: which,
      // A lease lasts four seconds: who was away for less still has it.
      forMs: fc.integer({ min: 3_000, max: 6_000 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('vanish' as const), atMs: soon, which: fc.nat({ max: 9 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('clock' as const),
      atMs: soon,
      of: fc.constantFrom('database', 'engine'),
      byMs: fc.integer({ min: -5_000, max: 5_000 }),
    }),
  },
);

const noise: fc.Arbitrary<SimulationNoise> = fc.record({
  cut: fc.constantFrom(0, 0, 0.01, 0.04),
  latencyMsMax: fc.constantFrom(10, 40, 100),
  lostTasks: share(0.5),
  doubledTasks: share(0.5),
  taskDelayMsMax: fc.constantFrom(5, 50, 1_000, 2_500),
  lostEvents: share(0.5),
  doubledEvents: share(0.5),
  eventDelayMsMax: fc.constantFrom(5, 50, 1_000),
  pullMsMax: fc.constantFrom(1, 1, 500, 2_000),
});

export const scenarios: fc.Arbitrary<Scenario> = fc.record({
  dice: fc.noShrink(fc.integer()),
  topology: fc.constantFrom('whole', 'split', 'crew', 'pair'),
  nodes: fc.array(fc.record({ ram: fc.constantFrom(2, 3, 4), gpu: fc.constantFrom(0, 1, 2) }), {
    minLength: 1,
    maxLength: 2,
  }),
  preemption: fc.boolean(),
  lostAfterSeconds: fc.constantFrom(2, 60),
  noise,
  deployments: fc.array(deployment, { minLength: 3, maxLength: 9 }),
  requests: fc.array(request, { maxLength: 4 }),
  updates: fc.array(update, { maxLength: 4 }),
  faults: fc.array(fault, { maxLength: 5 }),
});

/** For who draws them, and for who makes a failing one smaller: both draw the same. */
export const drawing = (seed: number) => ({ seed, numRuns: 1, unbiased: true }) as const;

/** The history of a seed, and always the same. */
export function scenarioOf(seed: number): Scenario {
  let drawn: Scenario | null = null;
  const keep = fc.property(scenarios, (scenario) => {
    drawn = scenario;
  });
  fc.check(keep, drawing(seed));
  if (drawn === null) throw new Error('nothing was drawn');
  return drawn;
}

/** When the trouble is over: afterwards all is mended, and everything has to come to its end. */
export function troubleMsOf({ deployments, requests, updates, faults }: Scenario): number {
  const untils = faults.map((one) => ({ atMs: one.atMs + lengthOf(one) }));
  return Math.min(troubleMsMax, Math.max(last(deployments), last(requests), last(updates), last(untils)) + 500);
}

const last = (all: readonly { readonly atMs: number }[]) => Math.max(0, ...all.map(({ atMs }) => atMs));

function lengthOf(one: Fault): number {
  if (one.kind === 'crash') return one.downMs;
  return one.kind === 'partition' || one.kind === 'stall' ? one.forMs : 0;
}
