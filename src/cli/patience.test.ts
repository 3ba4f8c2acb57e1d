import { expect, test } from 'vitest';
import { CliError } from './errors.ts';
import { exitCodes } from './exit-codes.ts';
import { patiently } from './patience.ts';

const away = new CliError("the service can't be reached", exitCodes.unreachable);

function failing(times: number, error: Error): () => Promise<string> {
  let failed = 0;
  return () => {
    failed += 1;
    return failed > times ? Promise.resolve('answer') : Promise.reject(error);
  };
}

test('a service that comes back answers, and that it was away is told once', async () => {
  const told: string[] = [];
  const answer = await patiently(failing(3, away), (message) => told.push(message), { patience: 60_000, pause: 1 });
  expect(answer).toBe('answer');
  expect(told).toEqual(["the service can't be reached; trying again"]);
});

test('one that stays away, and what it refuses, is an error', async () => {
  const never = () => Promise.reject(away);
  await expect(patiently(never, () => undefined, { patience: 5, pause: 1 })).rejects.toBe(away);
  const refused = new CliError('no such thing', exitCodes.notFound);
  await expect(patiently(failing(1, refused))).rejects.toBe(refused);
});
