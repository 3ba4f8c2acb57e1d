import { describe, expect, test } from 'vitest';
import { decide, endOfArray, findCycle, type Upstream } from './dependencies.ts';

const failed: Upstream = { name: 'build', end: 'failed', reason: 'exited with 1', chain: null };

function skipOf(name: string, upstream: Upstream, condition: 'succeeded' | 'failed' = 'succeeded') {
  const verdict = decide({ name, open: [{ condition, upstream }] });
  if (verdict.kind !== 'skip') throw new Error(`${name} is not skipped`);
  return verdict;
}

describe('the reason of a skip', () => {
  test('names what failed and why', () => {
    expect(skipOf('test', failed).reason).toBe('build failed (exited with 1), and test needed it to succeed');
  });

  test('names the chain', () => {
    const tested = skipOf('test', failed);
    const deploy = skipOf('deploy', { name: 'test', end: 'skipped', reason: tested.reason, chain: tested.chain });
    expect(deploy.reason).toBe('build failed (exited with 1), so test was skipped, and deploy needed it to succeed');
    const tell = skipOf('tell', { name: 'deploy', end: 'skipped', reason: deploy.reason, chain: deploy.chain });
    expect(tell.reason).toBe(
      'build failed (exited with 1), so test and deploy were skipped in turn, and tell needed deploy to succeed',
    );
  });

  test('stays short where the chain is long', () => {
    let upstream = failed;
    for (let link = 0; link < 1000; link += 1) {
      const { chain, reason } = skipOf(`job-${link}`, upstream);
      upstream = { name: `job-${link}`, end: 'skipped', reason, chain };
    }
    expect(upstream.chain).toMatchObject({
      cause: { name: 'build' },
      skipped: ['job-0', 'job-1', 'job-2', 'job-3', 'job-995', 'job-996', 'job-997', 'job-998'],
      leftOut: 991,
    });
    expect(upstream.reason).toContain('job-3, 991 more, job-995');
  });

  test('says what else can be wrong', () => {
    expect(skipOf('alarm', { ...failed, end: 'succeeded' }, 'failed').reason).toBe(
      'build succeeded, and alarm needed it to fail',
    );
    expect(skipOf('test', { ...failed, end: 'deleted' }).reason).toBe(
      'build was deleted, and test needed it to succeed',
    );
  });
});

describe('an array as a whole', () => {
  test('has not ended before all of it has', () => {
    expect(endOfArray({ succeeded: 2, failed: 1, running: 1 }, 4).end).toBeNull();
  });

  test('succeeded where all did', () => {
    expect(endOfArray({ succeeded: 4 }, 4)).toEqual({ end: 'succeeded', reason: null });
  });

  test('failed where one did, and says how many', () => {
    expect(endOfArray({ succeeded: 1, failed: 2, cancelled: 1 }, 4)).toEqual({
      end: 'failed',
      reason: '2 of its 4 failed',
    });
  });

  test('is deleted where one of it was', () => {
    expect(endOfArray({ succeeded: 3 }, 4)).toEqual({ end: 'deleted', reason: '1 of its 4 deleted' });
  });
});

test('a circle is told from one of it back to it', () => {
  const waitsFor = new Map([
    ['a', ['b']],
    ['b', ['c']],
    ['c', ['x', 'b']],
  ]);
  expect(findCycle(waitsFor)).toEqual(['b', 'c', 'b']);
  expect(findCycle(new Map([['a', ['a']]]))).toEqual(['a', 'a']);
  expect(
    findCycle(
      new Map([
        ['a', ['b', 'c']],
        ['b', ['c']],
      ]),
    ),
  ).toBeNull();
});
