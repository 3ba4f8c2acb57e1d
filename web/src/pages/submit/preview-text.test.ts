import { expect, test } from 'vitest';
import { placesOf } from './preview-text.ts';

const on = (node: string, ...devices: number[]) => ({ node, gpu_devices: devices });

test('one replica is on its node, several are counted', () => {
  expect(placesOf([on('a')])).toBe('On a.');
  expect(placesOf([on('a', 0, 1)], false)).toBe('on a, with GPU 0 and 1.');
  expect(placesOf([on('a'), on('b'), on('a')])).toBe('2 replicas on a, 1 on b.');
});
