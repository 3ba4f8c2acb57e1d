import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decideRestart, type RestartPolicy } from './restart.ts';

const failed = { good: false, ranMs: 5_000, restartsInRow: 0 };
const succeeded = { ...failed, good: true };
const onFailure: RestartPolicy = { policy: 'on_failure', maxRestarts: null };

describe('the restart policy', () => {
  test.each([
    ['always', succeeded, 'restart'],
    ['always', failed, 'restart'],
    ['on_failure', succeeded, 'none'],
    ['on_failure', failed, 'restart'],
    ['never', failed, 'none'],
  ] as const)('%s: %o is %s', (policy, run, kind) => {
    expect(decideRestart({ policy, maxRestarts: null }, run).kind).toBe(kind);
  });

  test('none is never', () => {
    expect(decideRestart(null, failed)).toEqual({ kind: 'none' });
  });

  test('waits 1 s, then twice as long each time, and 5 min at the most', () => {
    const waits = Array.from({ length: 12 }, (_, restartsInRow) =>
      decideRestart(onFailure, { ...failed, restartsInRow }),
    );
    expect(waits.map((one) => (one.kind === 'restart' ? one.inMs / 1000 : one.kind))).toEqual([
      1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300,
    ]);
  });

  test('begins anew once it ran for ten minutes', () => {
    const run = { good: false, ranMs: 600_000, restartsInRow: 9 };
    expect(decideRestart(onFailure, run)).toEqual({ kind: 'restart', inMs: 1_000, restartsInRow: 1 });
    expect(decideRestart(onFailure, { ...run, ranMs: 599_999 })).toMatchObject({ restartsInRow: 10 });
  });

  test('whatever it may do in a row, it does so often and no more', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 30 }), fc.boolean(), (maxRestarts, good) => {
        const policy: RestartPolicy = { policy: 'always', maxRestarts };
        let restartsInRow = 0;
        for (;;) {
          const decision = decideRestart(policy, { good, ranMs: 1, restartsInRow });
          if (decision.kind !== 'restart') break;
          restartsInRow = decision.restartsInRow;
        }
        expect(restartsInRow).toBe(maxRestarts);
      }),
    );
  });
});
