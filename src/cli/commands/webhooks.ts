import {
  createWebhook,
  deleteWebhook,
  getWebhook,
  getWebhookDelivery,
  listClusters,
  listWebhookDeliveries,
  listWebhooks,
  redeliver,
  rotateWebhookSecret,
  testWebhook,
  updateWebhook,
  type Webhook,
  type WebhookDelivery,
} from '../../sdk/index.ts';
import { type AddCommand, options, wholeNumber } from '../command.ts';
import { CliError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { findCluster } from '../find.ts';
import { age, duration, shortId } from '../format.ts';
import { print, say, status, table } from '../output.ts';
import { call, type Globals, openSession, type Session } from '../session.ts';

interface WebhookOptions extends Globals {
  readonly url?: string;
  readonly description?: string;
  readonly event?: string[];
  readonly cluster?: string[];
}

const collect = (value: string, before: string[] | undefined) => [...(before ?? []), value];

export const addWebhooks: AddCommand = (program) => {
  const webhook = program.command('webhook').alias('webhooks').description('tell a URL of what happens');

  webhook
    .command('create')
    .description('add a webhook; its secret is shown once')
    .argument('<url>')
    .option('-e, --event <type>', 'only such events; "deployment.*" for a family (repeatable; default: all)', collect)
    .option('-c, --cluster <name>', 'only events of this cluster (repeatable; default: all)', collect)
    .option('-d, --description <text>', 'for people')
    .action(async (url: string, _options, command) => {
      const given = options<WebhookOptions>(command);
      const session = await openSession(given);
      const body = { url, ...(await changeOf(session, given)) };
      const made = await call(session, createWebhook({ client: session.client, body }));
      print(given, made, () => made.secret);
      say(given, `\nThis is its secret: keep it, it is not shown again. Next: hv webhook test ${shortId(made.id)}`);
    });

  webhook
    .command('list')
    .description('list them')
    .action(async (_options, command) => {
      const globals = options(command);
      const session = await openSession(globals);
      const page = await call(session, listWebhooks({ client: session.client, query: { limit: 1000 } }));
      print(globals, page, ({ items }) => webhookTable(items));
    });

  webhook
    .command('describe')
    .description('a webhook, and what was sent to it last')
    .argument('<webhook>')
    .action(async (name: string, _options, command) => {
      const globals = options(command);
      const session = await openSession(globals);
      const { id } = await findWebhook(session, name);
      const found = await call(session, getWebhook({ client: session.client, path: { id } }));
      const { items } = await call(
        session,
        listWebhookDeliveries({ client: session.client, path: { id }, query: { limit: 10 } }),
      );
      const names = await clusterNames(session, found);
      print(globals, { ...found, deliveries: items }, () => described(found, names, items));
    });

  webhook
    .command('update')
    .description('change a webhook: what is named replaces what was there')
    .argument('<webhook>')
    .option('--url <url>')
    .option('-e, --event <type>', 'only such events (repeatable; "all" for all)', collect)
    .option('-c, --cluster <name>', 'only events of this cluster (repeatable; "all" for all)', collect)
    .option('-d, --description <text>')
    .action(async (name: string, _options, command) => {
      const given = options<WebhookOptions>(command);
      const session = await openSession(given);
      const { id } = await findWebhook(session, name);
      const { url } = given;
      const body = { ...(url === undefined ? {} : { url }), ...(await changeOf(session, given)) };
      const changed = await call(session, updateWebhook({ client: session.client, path: { id }, body }));
      print(given, changed, () => webhookTable([changed]));
    });

  for (const enabled of [true, false]) {
    webhook
      .command(enabled ? 'enable' : 'disable')
      .description(enabled ? 'tell it of what happens from now on' : 'tell it of nothing more')
      .argument('<webhook>')
      .action(async (name: string, _options, command) => {
        const globals = options(command);
        const session = await openSession(globals);
        const { id } = await findWebhook(session, name);
        const body = { enabled };
        const changed = await call(session, updateWebhook({ client: session.client, path: { id }, body }));
        print(globals, changed, () => `${changed.url} is ${enabled ? 'enabled' : 'disabled'}.`);
      });
  }

  webhook
    .command('rotate-secret')
    .description('give it a new secret; for a day the old one signs beside it')
    .argument('<webhook>')
    .action(async (name: string, _options, command) => {
      const globals = options(command);
      const session = await openSession(globals);
      const { id } = await findWebhook(session, name);
      const made = await call(session, rotateWebhookSecret({ client: session.client, path: { id } }));
      print(globals, made, () => made.secret);
    });

  webhook
    .command('test')
    .description('send it a test, and show what came of it')
    .argument('<webhook>')
    .action(async (name: string, _options, command) => {
      const globals = options(command);
      const session = await openSession(globals);
      const found = await findWebhook(session, name);
      const sent = await call(session, testWebhook({ client: session.client, path: { id: found.id } }));
      say(globals, `Sending a test to ${found.url} …`);
      const ended = await untilSent(session, sent);
      print(globals, ended, () => resultOf(ended));
      if (ended.status !== 'succeeded') process.exitCode = exitCodes.failure;
    });

  webhook
    .command('deliveries')
    .description('what was sent, the latest first')
    .argument('<webhook>')
    .option('--status <status>', 'only those that are pending, succeeded or failed')
    .option('--limit <count>', 'how many at most', wholeNumber, 50)
    .action(async (name: string, _options, command) => {
      const given = options<{ status?: WebhookDelivery['status']; limit: number }>(command);
      const session = await openSession(given);
      const { id } = await findWebhook(session, name);
      const query = { limit: given.limit, ...(given.status === undefined ? {} : { status: given.status }) };
      const page = await call(session, listWebhookDeliveries({ client: session.client, path: { id }, query }));
      print(given, page, ({ items }) => deliveryTable(items));
    });

  webhook
    .command('redeliver')
    .description('send a delivery again, with the same id')
    .argument('<webhook>')
    .argument('<delivery>')
    .action(async (name: string, delivery: string, _options, command) => {
      const globals = options(command);
      const session = await openSession(globals);
      const { id } = await findWebhook(session, name);
      const delivery_id = await deliveryId(session, id, delivery);
      const again = await call(session, redeliver({ client: session.client, path: { id, delivery_id } }));
      print(globals, again, () => `${shortId(again.id)} is sent again. See: hv webhook deliveries ${shortId(id)}`);
    });

  webhook
    .command('delete')
    .description('delete a webhook with its deliveries')
    .argument('<webhook>')
    .action(async (name: string, _options, command) => {
      const globals = options(command);
      const session = await openSession(globals);
      const found = await findWebhook(session, name);
      await call(session, deleteWebhook({ client: session.client, path: { id: found.id } }));
      say(globals, `Deleted the webhook to ${found.url}.`);
    });
};

async function changeOf(session: Session, { event, cluster, description }: WebhookOptions) {
  const clusters = cluster?.filter((name) => name !== 'all');
  const ids: string[] = [];
  for (const name of clusters ?? []) ids.push((await findCluster(session, name)).id);
  return {
    ...(event === undefined ? {} : { event_types: event.filter((type) => type !== 'all') }),
    ...(clusters === undefined ? {} : { cluster_ids: ids }),
    ...(description === undefined ? {} : { description }),
  };
}

/** By id, by six or more characters of its end, or by URL. */
async function findWebhook(session: Session, wanted: string): Promise<Webhook> {
  const { items } = await call(session, listWebhooks({ client: session.client, query: { limit: 1000 } }));
  const found = items.filter((one) => one.url === wanted || isCalled(one.id, wanted));
  const [first, second] = found;
  if (second !== undefined) {
    throw new CliError(
      `"${wanted}" may be one of several: name it by its id`,
      exitCodes.usage,
      found.map((one) => `${one.id}  ${one.url}`),
    );
  }
  if (first !== undefined) return first;
  throw new CliError(`there is no webhook "${wanted}"`, exitCodes.notFound, ['See them with: hv webhook list']);
}

async function deliveryId(session: Session, id: string, wanted: string): Promise<string> {
  const query = { limit: 1000 };
  const { items } = await call(session, listWebhookDeliveries({ client: session.client, path: { id }, query }));
  return items.find((one) => isCalled(one.id, wanted))?.id ?? wanted;
}

function isCalled(id: string, wanted: string): boolean {
  return id === wanted || (wanted.length >= 6 && id.endsWith(wanted));
}

async function untilSent(session: Session, sent: WebhookDelivery): Promise<WebhookDelivery> {
  const path = { id: sent.webhook_id, delivery_id: sent.id };
  let delivery = sent;
  while (delivery.status === 'pending') {
    await new Promise((resolve) => setTimeout(resolve, 200));
    delivery = await call(session, getWebhookDelivery({ client: session.client, path }));
  }
  return delivery;
}

function webhookTable(items: readonly Webhook[]): string {
  if (items.length === 0) return 'There is none yet. Make one with: hv webhook create URL';
  return table(
    ['id', 'url', 'events', 'state', 'age', 'description'],
    items.map((one) => [
      shortId(one.id),
      one.url,
      one.event_types.join(', ') || 'all',
      stateOf(one),
      age(one.created_at),
      one.description,
    ]),
  );
}

function stateOf({ enabled, failing_since }: Webhook): string {
  if (!enabled) return 'disabled';
  return failing_since === null ? 'enabled' : `failing for ${age(failing_since)}`;
}

async function clusterNames(session: Session, { cluster_ids }: Webhook): Promise<string[]> {
  if (cluster_ids.length === 0) return [];
  const { items } = await call(session, listClusters({ client: session.client, query: { limit: 1000 } }));
  return cluster_ids.map((id) => items.find((cluster) => cluster.id === id)?.name ?? id);
}

function described(found: Webhook, clusters: readonly string[], deliveries: readonly WebhookDelivery[]): string {
  const facts = [
    ['id', found.id],
    ['url', found.url],
    ['description', found.description || '-'],
    ['events', found.event_types.join(', ') || 'all'],
    ['clusters', clusters.join(', ') || 'all'],
    ['state', found.disabled_reason === null ? stateOf(found) : `disabled: ${found.disabled_reason}`],
  ] as const;
  const lines = facts.map(([name, value]) => `${name.padEnd(13)}${value}`);
  return `${lines.join('\n')}\n\n${deliveryTable(deliveries)}`;
}

function deliveryTable(items: readonly WebhookDelivery[]): string {
  if (items.length === 0) return 'Nothing was sent yet.';
  return table(
    ['id', 'event', 'status', 'attempts', 'answer', 'took', 'age', 'next try', 'error'],
    items.map((one) => [
      shortId(one.id),
      one.event_type,
      status(one.status),
      one.attempts,
      one.response_code,
      one.duration_ms === null ? null : `${Math.round(one.duration_ms)} ms`,
      age(one.created_at),
      one.next_attempt_at === null ? null : nextTry(one.next_attempt_at),
      one.error,
    ]),
  );
}

function nextTry(at: string): string {
  const ms = Date.parse(at) - Date.now();
  return ms <= 0 ? 'now' : `in ${duration(ms)}`;
}

function resultOf(delivery: WebhookDelivery): string {
  return delivery.status === 'succeeded'
    ? `It answered with ${delivery.response_code}, after ${Math.round(delivery.duration_ms ?? 0)} ms.`
    : `It ${delivery.error}.`;
}
