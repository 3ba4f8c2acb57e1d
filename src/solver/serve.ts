/** Answers questions, one after the other. Runs in a thread of its own (thread.mjs): HiGHS computes without a break. */
import { parentPort } from 'node:worker_threads';
import type { Question } from '../core/demand.ts';
import { answer } from './answer.ts';
import { loadHighs } from './load.ts';
import type { Asked, Said } from './solver.ts';

const highs = await loadHighs();
// The first one takes ten times as long as those after it: it is not counted as the time of somebody who asks.
answer(highs, firstQuestion(), 10_000);
parentPort?.on('message', ({ number, question, milliseconds }: Asked) => {
  say({ number, hint: answer(highs, question, milliseconds) });
});
// Not before the thread looks at its messages: what was compiled meanwhile keeps it for a second after this line.
setImmediate(() => say('ready'));

function say(message: Said): void {
  parentPort?.postMessage(message);
}

/** Hard enough for a search, so that all parts of the solver were used once. */
function firstQuestion(): Question {
  const total = { ram: 100, cpu: 100, gpu: 1000 };
  const nodes = ['a', 'b', 'c'].map((id) => {
    return { id, name: id, total, free: total, devices: [{ index: 0, model: '', free: 1000 }], schedulable: true };
  });
  const requests = [31, 37, 41, 43, 47, 53].map((amount) => {
    return { perReplica: { ram: amount, cpu: 90 - amount, gpu: 10 * amount }, replicas: 1, gpuModels: [] };
  });
  return { nodes, requests, counts: [requests.map(() => 1), requests.map(() => 2)], most: 10 };
}
