/** Runs the histories that it is given, one after the other, on a database of its own. */
import './gzip-at-once.ts';
import { rmSync } from 'node:fs';
import { DatabaseServer } from './database-server.ts';
import { runHistory } from './history.ts';
import type { Order, Report } from './orders.ts';
import { plantedBugs } from './planted-bugs.ts';
import { scenarioOf } from './scenario.ts';
import { shrink } from './shrink.ts';

const tell = (report: Report) => process.send?.(report);

async function carryOut(server: DatabaseServer, order: Order): Promise<void> {
  const bug = order.bug === null ? undefined : plantedBugs[order.bug];
  const options = bug === undefined ? {} : { bug };
  if (order.kind === 'shrink') {
    const shrunk = await shrink(order.seed, (scenario) => runHistory(server, scenario, options));
    tell({ kind: 'shrunk', seed: order.seed, shrunk });
    return;
  }
  for (let seed = order.from; seed < order.to; seed += 1) {
    const { trace, ...outcome } = await runHistory(server, scenarioOf(seed), { ...options, trace: order.trace });
    tell({ kind: 'outcome', seed, bug: order.bug, ...outcome, ...(order.trace && { trace }) });
    if (order.bug !== null && outcome.found !== null) break;
  }
  tell({ kind: 'done', bug: order.bug, usedMs: process.cpuUsage().user / 1000 + process.cpuUsage().system / 1000 });
}

async function work(order: Order): Promise<void> {
  isBusy = true;
  try {
    await carryOut(server, order);
  } catch (error) {
    console.error(error);
    process.exit(1);
  }
  isBusy = false;
}

const server = await DatabaseServer.start();
let last: Promise<unknown> = Promise.resolve();
let isBusy = false;
process.on('message', (order: Order) => {
  last = last.then(() => work(order));
});
process.on('disconnect', () => {
  if (!isBusy) return void server.stop();
  // In the middle of a history time stands still, and nothing can be waited for. The server ends with this process.
  rmSync(server.dir, { recursive: true, force: true });
  process.exit(1);
});
// Whoever started it ends it.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => process.connected && process.disconnect());
tell({ kind: 'done', bug: null, usedMs: 0 });
