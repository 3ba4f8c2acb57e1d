import { type Event, listEvents } from '../../sdk/index.ts';
import { type AddCommand, options } from '../command.ts';
import { fromProblem } from '../errors.ts';
import { findCluster, findDeployment } from '../find.ts';
import { bearer, call, openSession, type Session, unreachable } from '../session.ts';
import { lines } from '../stream.ts';

interface EventOptions {
  readonly follow?: boolean;
  readonly cluster?: string;
  readonly deployment?: string;
  readonly limit: string;
}

export const addEvents: AddCommand = (program) => {
  program
    .command('events')
    .description('what happened in the organization')
    .option('-f, --follow', 'stay, and show what happens')
    .option('-c, --cluster <name>', 'only in this cluster')
    .option('-d, --deployment <name>', 'only of this deployment')
    .option('--limit <count>', 'how many of the latest', '50')
    .action(async (_options, command) => {
      const given = options<EventOptions>(command);
      const session = await openSession(given);
      const filter = {
        ...(given.cluster === undefined ? {} : { cluster_id: (await findCluster(session, given.cluster)).id }),
        ...(given.deployment === undefined
          ? {}
          : { deployment_id: (await findDeployment(session, given.deployment)).id }),
      };
      const query = { ...filter, order: 'desc' as const, limit: Number(given.limit) };
      const { items } = await call(session, listEvents({ client: session.client, query }));
      const latest = items.toReversed();
      for (const event of latest) write(event, given.json === true);
      if (given.follow === true) await follow(session, filter, latest.at(-1)?.id, given.json === true);
    });
};

function write(event: Event, json: boolean): void {
  console.log(json ? JSON.stringify(event) : `${event.created_at}  ${event.type.padEnd(24)}  ${event.message}`);
}

async function follow(
  session: Session,
  filter: Record<string, string>,
  after: string | undefined,
  json: boolean,
): Promise<void> {
  const response = await fetch(`${session.url}/api/v1/events/stream?${new URLSearchParams(filter).toString()}`, {
    headers: { authorization: bearer(session), ...(after === undefined ? {} : { 'last-event-id': after }) },
  }).catch((error: unknown) => {
    throw unreachable(session, error);
  });
  if (!response.ok) throw fromProblem((await response.json()) as Parameters<typeof fromProblem>[0]);
  if (response.body === null) return;
  for await (const line of lines(response.body))
    if (line.startsWith('data:')) write(JSON.parse(line.slice(5)) as Event, json);
}
