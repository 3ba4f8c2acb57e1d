import { type DeploymentStats, getStats } from '../../sdk/index.ts';
import { type AddCommand, options } from '../command.ts';
import { findDeployment } from '../find.ts';
import { table } from '../output.ts';
import { call, openSession } from '../session.ts';
import { watched } from '../watch.ts';

export const addStats: AddCommand = (program) => {
  program
    .command('stats')
    .description('what a deployment uses, next to what it asked for')
    .argument('<deployment>')
    .option('-w, --watch', 'go on, every two seconds')
    .action(async (name: string, _options, command) => {
      const given = options<{ watch?: boolean }>(command);
      const session = await openSession(given);
      const { id } = await findDeployment(session, name);
      await watched(given, async () => {
        const stats = await call(session, getStats({ client: session.client, path: { id } }));
        return given.json === true ? JSON.stringify(stats, null, 2) : shown(stats);
      });
    });
};

function shown({ asked, replicas, hints }: DeploymentStats): string {
  if (replicas.length === 0) return 'It has not started yet: nothing is used.';
  const made = table(
    ['replica', 'status', 'CPU', 'RAM (GB)', 'peak RAM', 'CPU time', 'GPUs'],
    replicas.map(({ replica, status, used, peak_ram: peak, cpu_seconds: seconds }) => [
      replica,
      status,
      of(used?.cpu, asked.cpu),
      of(used?.ram, asked.ram),
      peak,
      seconds === null ? null : `${Math.round(seconds * 10) / 10}s`,
      used?.gpus?.map(gpu).join(', ') ?? null,
    ]),
  );
  return [made, ...hints.map((hint) => `Hint: it ${hint}.`)].join('\n');
}

/** "0.31 of 4". */
function of(used: number | null | undefined, asked: number): string | null {
  return used == null ? null : `${used} of ${asked}`;
}

function gpu({
  index,
  busy,
  memory_gb: memory,
}: {
  index: number;
  busy: number | null;
  memory_gb: number | null;
}): string {
  const parts = [busy === null ? '' : `${Math.round(busy * 100)} %`, memory === null ? '' : `${memory} GB`];
  return `${index}: ${parts.filter((part) => part !== '').join(', ') || 'not known'}`;
}
