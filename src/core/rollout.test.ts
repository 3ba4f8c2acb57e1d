import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decideRollout, type Rollout, type RolloutReplica } from './rollout.ts';

const ready: Omit<RolloutReplica, 'index'> = {
  status: 'running',
  isCurrent: false,
  isMoving: false,
  isReady: true,
  isUnhealthy: false,
  failures: 0,
  wasRemoved: false,
};
const current = { ...ready, isCurrent: true };

function rollout(replicas: readonly Partial<RolloutReplica>[], given: Partial<Rollout> = {}): Rollout {
  return {
    isTrial: true,
    wanted: replicas.length,
    maxUnavailable: 1,
    maxFailures: 0,
    replicas: replicas.map((one, index) => ({ ...ready, index, ...one })),
    ...given,
  };
}
const said = (of: Rollout) =>
  decideRollout(of).map((step) => ('index' in step ? `${step.kind} ${step.index}` : step.kind));

describe('a rolling update', () => {
  test('replaces one after the other', () => {
    expect(said(rollout([{}, {}, {}]))).toEqual(['replace 0']);
    expect(said(rollout([{ status: 'replacing', isCurrent: true, isReady: false }, {}, {}]))).toEqual([]);
    expect(said(rollout([{ ...current, isReady: false }, {}, {}]))).toEqual([]);
    expect(said(rollout([current, {}, {}]))).toEqual(['replace 1']);
    expect(said(rollout([current, current, current]))).toEqual(['finish']);
  });

  test('replaces several at a time where that is allowed', () => {
    expect(said(rollout([{}, {}, {}], { maxUnavailable: 2 }))).toEqual(['replace 0', 'replace 1']);
  });

  test('begins with those that are down anyway, and takes no other down beside them', () => {
    expect(said(rollout([{}, { status: 'restarting', isReady: false }, {}]))).toEqual(['replace 1']);
    expect(said(rollout([{}, { status: 'starting', isReady: false }, {}]))).toEqual([]);
  });

  test('goes back as soon as one has failed more often than is borne, or is unhealthy', () => {
    const failing = { ...current, status: 'restarting' as const, isReady: false, failures: 1 };
    expect(said(rollout([failing, {}]))).toEqual(['roll_back 0']);
    expect(said(rollout([failing, {}], { maxFailures: 1 }))).toEqual([]);
    expect(said(rollout([{ ...current, isReady: false, isUnhealthy: true }, {}]))).toEqual(['roll_back 0']);
    // There is nothing to go back to from what was there before.
    expect(said(rollout([failing, current], { isTrial: false }))).toEqual([]);
  });

  test('takes the highest away, and adds what is missing', () => {
    expect(said(rollout([current, current, {}], { wanted: 2 }))).toEqual(['remove 2']);
    expect(said(rollout([current, current, { status: 'removing' }], { wanted: 2 }))).toEqual([]);
    expect(said(rollout([current, current, { status: 'ended', wasRemoved: true }], { wanted: 2 }))).toEqual(['finish']);
    expect(said(rollout([current, { status: 'ended', wasRemoved: true }], { wanted: 3 }))).toEqual([
      'place 1',
      'place 2',
    ]);
  });

  test('leaves one alone that has done its work', () => {
    expect(said(rollout([current, { status: 'ended' }]))).toEqual(['finish']);
  });
});

/** A service in small: replicas that come up or fail as chance has it, and a control loop that looks now and then. */
type Happening = { kind: 'look' } | { kind: 'go_on'; index: number; fails: boolean };
const happening: fc.Arbitrary<Happening> = fc.oneof(
  fc.constant({ kind: 'look' as const }),
  fc.record({ kind: fc.constant('go_on' as const), index: fc.nat(5), fails: fc.boolean() }),
);

interface Small {
  status: RolloutReplica['status'];
  revision: number;
  next: number | null;
  isReady: boolean;
  failures: number;
  wasRemoved: boolean;
  /** The update took it down, and it is not up again. */
  isTakenDown: boolean;
}

class Service {
  readonly replicas = new Map<number, Small>();
  wanted: number;
  revision = 2;
  readonly stable = 1;
  isFinished = false;
  /** May what is new fail? */
  readonly isBad: boolean;
  readonly settings: { readonly maxUnavailable: number; readonly maxFailures: number };

  constructor(before: number, wanted: number, isBad: boolean, settings: Service['settings']) {
    this.wanted = wanted;
    this.isBad = isBad;
    this.settings = settings;
    for (let index = 0; index < before; index += 1)
      this.replicas.set(index, { ...newOne(1), status: 'running', isReady: true });
  }

  look(): void {
    const replicas = [...this.replicas].toSorted(([a], [b]) => a - b).map(([index, one]) => this.#seen(index, one));
    const steps = decideRollout({
      isTrial: this.revision !== this.stable,
      wanted: this.wanted,
      ...this.settings,
      replicas,
    });
    for (const step of steps) {
      if (step.kind === 'finish') this.isFinished = true;
      else if (step.kind === 'roll_back') this.revision = this.stable;
      else if (step.kind === 'place') this.replicas.set(step.index, newOne(this.revision));
      else this.#move(this.replicas.get(step.index) as Small, step.kind);
    }
  }

  #seen(index: number, one: Small): RolloutReplica {
    const { status, isReady, failures, wasRemoved, next } = one;
    const isCurrent = (next ?? one.revision) === this.revision;
    return {
      index,
      status,
      isCurrent,
      isMoving: status === 'restarting' && next !== null,
      isReady,
      isUnhealthy: false,
      failures,
      wasRemoved,
    };
  }

  #move(one: Small, kind: 'replace' | 'remove'): void {
    if (kind === 'remove') one.status = 'removing';
    else {
      if (one.isReady) one.isTakenDown = true;
      one.next = this.revision;
      one.failures = 0;
      one.status = one.status === 'running' ? 'replacing' : 'restarting';
    }
    one.isReady = false;
  }

  /** What would happen to it by itself. */
  goOn(index: number, fails: boolean): void {
    const one = this.replicas.get(index);
    if (one === undefined) return;
    switch (one.status) {
      case 'replacing':
        one.status = 'restarting';
        return;
      case 'restarting':
        one.status = 'starting';
        one.revision = one.next ?? one.revision;
        one.next = null;
        return;
      case 'removing':
        Object.assign(one, { status: 'ended', wasRemoved: true, isTakenDown: false });
        return;
      case 'starting':
        one.status = 'running';
        return;
      case 'running':
        if (one.isReady) return;
        if (fails && this.isBad && one.revision === 2)
          Object.assign(one, { status: 'restarting', failures: one.failures + 1 });
        else Object.assign(one, { isReady: true, isTakenDown: false });
        return;
      case 'ended':
    }
  }
}

function newOne(revision: number): Small {
  return {
    status: 'starting',
    revision,
    next: null,
    isReady: false,
    failures: 0,
    wasRemoved: false,
    isTakenDown: false,
  };
}

const settings = fc.record({
  maxUnavailable: fc.integer({ min: 1, max: 3 }),
  maxFailures: fc.integer({ min: 0, max: 2 }),
});
const size = fc.integer({ min: 1, max: 5 });

describe('whatever comes up when, and whatever fails', () => {
  test('never more replicas are down because of the update than may be', () => {
    fc.assert(
      fc.property(
        size,
        size,
        fc.boolean(),
        settings,
        fc.array(happening, { maxLength: 80 }),
        (before, wanted, isBad, given, all) => {
          const service = new Service(before, wanted, isBad, given);
          for (const one of all) {
            if (one.kind === 'look') service.look();
            else service.goOn(one.index, one.fails);
            const down = [...service.replicas.values()].filter(
              (replica) => replica.isTakenDown && replica.status !== 'removing',
            );
            expect(down.length).toBeLessThanOrEqual(given.maxUnavailable);
          }
        },
      ),
    );
  });

  test('it comes to an end: as many replicas as were wanted, all of one revision, the old one where it went back', () => {
    fc.assert(
      fc.property(
        size,
        size,
        fc.boolean(),
        settings,
        fc.array(happening, { maxLength: 80 }),
        (before, wanted, isBad, given, all) => {
          const service = new Service(before, wanted, isBad, given);
          for (const one of all) {
            if (one.kind === 'look') service.look();
            else service.goOn(one.index, one.fails);
          }
          // From here on everything goes well.
          for (let round = 0; round < 200 && !service.isFinished; round += 1) {
            service.look();
            for (const index of service.replicas.keys()) service.goOn(index, false);
          }
          expect(service.isFinished).toBe(true);
          const left = [...service.replicas].filter(([, one]) => one.status !== 'ended');
          expect(left.map(([index]) => index).toSorted((a, b) => a - b)).toEqual(
            Array.from({ length: wanted }, (_, index) => index),
          );
          expect(new Set(left.map(([, one]) => one.revision))).toEqual(new Set([service.revision]));
        },
      ),
    );
  });
});
