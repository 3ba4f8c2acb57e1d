import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ApplyOptions, actionFor, type Declared, type Present } from './apply.ts';
import { statuses } from './lifecycle.ts';

const plain: ApplyOptions = { replace: false, rerun: false };
const changed = { path: ['docker_image'], from: 'a', to: 'b' };
const priority = { path: ['priority'], from: 50, to: 10 };

const job = (differences: Declared['differences'] = [], asksTheSame = true): Declared => ({
  kind: 'job',
  differences,
  asksTheSame,
  isUpdatable: true,
});
const present = (status: Present['status'], isLeaving = false): Present => ({ kind: 'job', status, isLeaving });

test('what is not there is created', () => {
  expect(actionFor(job([changed]), null, plain)).toEqual({ action: 'create' });
});

describe('a queued one', () => {
  test('with another priority is changed where it is', () => {
    expect(actionFor(job([priority]), present('queued'), plain)).toEqual({ action: 'update', rolled: false });
  });

  test('that asks for the same keeps its age, one that asks for something else does not', () => {
    expect(actionFor(job([changed, priority]), present('queued'), plain)).toEqual({
      action: 'replace',
      keepsAge: true,
    });
    expect(actionFor(job([changed], false), present('queued'), plain)).toEqual({ action: 'replace', keepsAge: false });
  });
});

describe('an active one that differs', () => {
  test('is a conflict, unless it may be replaced', () => {
    for (const status of ['starting', 'running', 'stopping'] as const) {
      expect(actionFor(job([changed]), present(status), plain)).toEqual({ action: 'conflict' });
      const replace = { ...plain, replace: true };
      expect(actionFor(job([changed]), present(status), replace)).toEqual({ action: 'replace', keepsAge: false });
    }
  });

  test('is updated where it is a service that runs, and all that differs can be updated; also where it may be replaced', () => {
    const declared: Declared = { kind: 'service', differences: [changed], asksTheSame: false, isUpdatable: true };
    const running: Present = { ...present('running'), kind: 'service' };
    for (const options of [plain, { ...plain, replace: true }]) {
      expect(actionFor(declared, running, options)).toEqual({ action: 'update', rolled: true });
    }
    expect(actionFor(declared, { ...running, status: 'stopping' }, plain)).toEqual({ action: 'conflict' });
    expect(actionFor({ ...declared, isUpdatable: false }, running, plain)).toEqual({ action: 'conflict' });
  });

  test("and is on its way out is in nobody's way", () => {
    const leaving = present('stopping', true);
    expect(actionFor(job([changed]), leaving, plain)).toEqual({ action: 'replace', keepsAge: false });
  });
});

describe('one that is over', () => {
  test('is run again where it has changed, or where that is asked for', () => {
    for (const status of ['succeeded', 'failed', 'cancelled'] as const) {
      expect(actionFor(job(), present(status), plain)).toEqual({ action: 'unchanged' });
      expect(actionFor(job([changed]), present(status), plain).action).toBe('replace');
      expect(actionFor(job(), present(status), { ...plain, rerun: true }).action).toBe('replace');
    }
  });

  test('is run again where it is a service: it is declared to run', () => {
    const service: Declared = { kind: 'service', differences: [], asksTheSame: true, isUpdatable: true };
    expect(actionFor(service, { ...present('failed'), kind: 'service' }, plain).action).toBe('replace');
  });
});

test('nothing that is alive is touched where nothing differs, and nothing that runs where nobody allowed it', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...statuses),
      fc.boolean(),
      fc.boolean(),
      fc.boolean(),
      fc.boolean(),
      fc.constantFrom<Declared['kind']>('job', 'service'),
      (status, differs, replace, rerun, isUpdatable, kind) => {
        const differences = differs ? [changed] : [];
        const declared: Declared = { kind, differences, asksTheSame: true, isUpdatable };
        const { action } = actionFor(declared, { kind, status, isLeaving: false }, { replace, rerun });
        const isAlive = ['queued', 'starting', 'running', 'stopping'].includes(status);
        if (isAlive && !differs) expect(action).toBe('unchanged');
        if (isAlive && status !== 'queued' && !replace) expect(action).toMatch(/^(unchanged|update|conflict)$/);
        // A job does what it was submitted for.
        if (kind === 'job' && status !== 'queued') expect(action).not.toBe('update');
      },
    ),
  );
});
