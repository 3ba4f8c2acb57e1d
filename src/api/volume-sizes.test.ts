import { expect, test } from 'vitest';
import type { ControlPlane } from '../control/control-plane.ts';
import { rememberVolumeSizes } from './volume-sizes.ts';

function lookingAt(answers: readonly (number | Error)[]) {
  let looks = 0;
  const runtime = {
    async volumeSizes() {
      const answer = answers[looks++];
      if (typeof answer !== 'number') throw answer;
      return new Map([['v', answer]]);
    },
  };
  const control = { runtimeOf: () => runtime } as unknown as ControlPlane;
  const sizesOf = rememberVolumeSizes(control);
  return { size: async () => (await sizesOf({ runtime: 'docker', engine: null })).get('v'), looks: () => looks };
}

test('what an engine tells is remembered, and one look is enough for who asks meanwhile', async () => {
  const { size, looks } = lookingAt([1, 2]);
  expect(await Promise.all([size(), size()])).toEqual([1, 1]);
  expect(await size()).toBe(1);
  expect(looks()).toBe(1);
});

test('that an engine did not tell is not remembered', async () => {
  const { size, looks } = lookingAt([new Error('busy'), 2]);
  expect(await Promise.all([size(), size()])).toEqual([undefined, undefined]);
  expect(looks()).toBe(1);
  expect(await size()).toBe(2);
});
