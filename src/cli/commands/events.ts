import { setTimeout as sleep } from 'node:timers/promises';
import { type Event, listEvents } from '../../sdk/index.ts';
import { type AddCommand, options } from '../command.ts';
import { findCluster, findDeployment } from '../find.ts';
import { patiently } from '../patience.ts';
import { call, openSession, type Session } from '../session.ts';
import { linesUntilCut, openStream } from '../stream.ts';

/** Before a stream that was cut is opened again: one that is cut at once each time does not keep both sides busy. */
const cutPauseMs = 500;

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

/** A stream that was cut goes on after the last event that was shown. */
async function follow(
  session: Session,
  filter: Record<string, string>,
  after: string | undefined,
  json: boolean,
): Promise<void> {
  let last = after;
  const open = () =>
    openStream(
      session,
      `/events/stream?${new URLSearchParams(filter).toString()}`,
      last === undefined ? {} : { 'last-event-id': last },
    );
  // The service was there a moment ago, when it was asked for the latest: from here on it may be away for a while.
  for (;;) {
    const body = await patiently(open);
    for await (const line of linesUntilCut(body)) {
      if (!line.startsWith('data:')) continue;
      const event = JSON.parse(line.slice(5)) as Event;
      last = event.id;
      write(event, json);
    }
    await sleep(cutPauseMs);
  }
}
