import { expect, test } from 'vitest';
import { fromProblem } from './errors.ts';
import { exitCodes } from './exit-codes.ts';

const problem = { type: 'x', title: 'x', request_id: 'x', detail: 'In a sentence. What to do.' };

test('what is wrong is told once', () => {
  const errors = [{ field: 'ram', message: 'must be a number of GB' }];
  expect(fromProblem({ ...problem, status: 400, code: 'validation_failed', errors })).toMatchObject({
    message: 'ram must be a number of GB',
    hints: [],
    exitCode: exitCodes.invalid,
  });
  expect(fromProblem({ ...problem, status: 422, code: 'never_fits', errors })).toMatchObject({
    message: problem.detail,
    hints: [],
  });
});

test('advice is given in the words of the command line', () => {
  expect(fromProblem({ ...problem, status: 401, code: 'unauthenticated' }).hints).toEqual(['Sign in with: hv login']);
  expect(fromProblem({ ...problem, status: 403, code: 'no_organization' }).hints).toContain(
    'Make one with: hv org create NAME',
  );
});
