import { listQueue, type PassResult, type QueueEntry, schedule } from '../../sdk/index.ts';
import { type AddCommand, options } from '../command.ts';
import { findCluster } from '../find.ts';
import { age, resources, shortId } from '../format.ts';
import { print, table } from '../output.ts';
import { call, openSession } from '../session.ts';
import { watched } from '../watch.ts';

export const addQueue: AddCommand = (program) => {
  program
    .command('queue')
    .description('who waits in a cluster, in the order of the scheduler, and why')
    .argument('[cluster]')
    .option('--limit <count>', 'how many at most', '100')
    .option('-w, --watch', 'go on, every two seconds')
    .action(async (name: string | undefined, _options, command) => {
      const given = options<{ limit: string; watch?: boolean }>(command);
      const session = await openSession(given);
      const { id } = await findCluster(session, name);
      await watched(given, async () => {
        const page = await call(
          session,
          listQueue({ client: session.client, path: { id }, query: { limit: Number(given.limit) } }),
        );
        return given.json === true ? JSON.stringify(page, null, 2) : queueTable(page.items);
      });
    });
};

function queueTable(items: readonly QueueEntry[]): string {
  if (items.length === 0) return 'The queue is empty.';
  return table(
    ['#', 'id', 'name', 'priority', 'RAM / CPU / GPU', 'waits', 'why'],
    items.map((one) => [
      one.position,
      shortId(one.deployment_id),
      one.name,
      one.effective_priority === one.priority ? one.priority : `${one.priority} → ${one.effective_priority}`,
      resources({ ram: one.ram_required, cpu: one.cpu_required, gpu: one.gpu_required }),
      age(one.queued_at),
      one.message,
    ]),
  );
}

export const addSchedule: AddCommand = (program) => {
  program
    .command('schedule')
    .description('run a pass of the scheduler now, and show what it decided')
    .argument('[cluster]')
    .option('--dry-run', 'decide, but change nothing')
    .action(async (name: string | undefined, _options, command) => {
      const given = options<{ dryRun?: boolean }>(command);
      const session = await openSession(given);
      const { id } = await findCluster(session, name);
      const query = { dryRun: given.dryRun === true ? 'true' : 'false' };
      const result = await call(session, schedule({ client: session.client, path: { id }, query }));
      print(given, result, passText);
    });
};

function passText(result: PassResult): string {
  const would = result.dry_run ? 'would be ' : '';
  const best = result.proven_optimal ? 'nobody could have admitted more' : `at most ${result.bound} possible`;
  const counts = `${result.queued} queued: ${result.admitted} ${would}admitted, ${result.waiting} wait`;
  const summary = `${counts}; ${best} (${result.duration_ms.toFixed(1)} ms)`;
  if (result.decisions.length === 0) return summary;
  const rows = result.decisions.map((one) => {
    const priority =
      one.effective_priority === one.priority ? String(one.priority) : `${one.priority} → ${one.effective_priority}`;
    return [one.position, shortId(one.deployment_id), one.name, priority, decisionText(one)];
  });
  return `${table(['#', 'id', 'name', 'priority', 'decision'], rows)}\n\n${summary}`;
}

function decisionText(one: PassResult['decisions'][number]): string {
  if (one.decision === 'wait') return `waits: ${one.message}`;
  const nodes = [...new Set(one.placements.map((placement) => placement.node))].join(', ');
  if (one.decision === 'preempt') {
    const victims = one.receipt.victims.map((victim) => shortId(victim.deployment_id));
    return `stops ${victims.join(', ')}, then starts on ${nodes}`;
  }
  return `starts on ${nodes}${one.backfilled ? ', backfilled' : ''}${one.promoted ? ', promoted' : ''}`;
}
