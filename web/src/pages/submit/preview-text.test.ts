import { expect, test } from 'vitest';
import { placesOf, sentence } from './preview-text.ts';

const on = (node: string, ...devices: number[]) => ({ node, gpu_devices: devices });

test('one replica is on its node, several are counted', () => {
  expect(placesOf([on('a')])).toBe('On a.');
  expect(placesOf([on('a', 0, 1)], false)).toBe('on a, with GPU 0 and 1.');
  expect(placesOf([on('a'), on('b'), on('a')])).toBe('2 replicas on a, 1 on b.');
});

test('a message becomes a sentence, once', () => {
  expect(sentence('needs 1 core')).toBe('Needs 1 core.');
  expect(sentence('Needs 1 core.')).toBe('Needs 1 core.');
});
