import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listEvents, settleEvents } from '../../src/store/event-log.ts';
import { appendEvents } from '../../src/store/events.ts';
import { startTestApi, type TestApi, type TestUser } from '../support/api.ts';
import { createTestDatabase } from '../support/database.ts';
import { type FakeControl, fakeControl } from '../support/fake-control.ts';
import { itemsOf } from '../support/items.ts';

let test: TestApi;
let control: FakeControl;
let user: TestUser;
let organizationId: string;
let url: string;

beforeAll(async () => {
  control = fakeControl();
  test = await startTestApi({ control });
  control.db = test.db;
  const organization = await test.organization();
  user = organization.owner;
  organizationId = organization.id;
  await test.api.listen({ port: 0, host: '127.0.0.1' });
  url = `http://127.0.0.1:${(test.api.server.address() as AddressInfo).port}/api/v1`;
});
afterAll(() => test.close());

interface Received {
  readonly id: string;
  readonly type: string;
  readonly message: string;
}

/** A client of the stream that reads until `enough`, or until it is closed. */
async function listen(as: TestUser, options: { from?: string; query?: string } = {}) {
  const closing = new AbortController();
  const response = await fetch(`${url}/events/stream${options.query ?? ''}`, {
    headers: {
      authorization: `Bearer ${as.token}`,
      ...(options.from !== undefined && { 'last-event-id': options.from }),
    },
    signal: closing.signal,
  });
  const events: Received[] = [];
  const reading = (async () => {
    let text = '';
    for await (const piece of response.body!) {
      text += Buffer.from(piece).toString('utf8');
      const blocks = text.split('\n\n');
      text = blocks.pop()!;
      events.push(...blocks.flatMap(parse));
    }
  })().catch(() => undefined);
  return {
    response,
    events,
    async until(count: number) {
      for (let waited = 0; events.length < count && waited < 120_000; waited += 20) await sleep(20);
      return events;
    },
    async close() {
      closing.abort();
      await reading;
    },
  };
}

function parse(block: string): Received[] {
  const data = /^data: (.*)$/m.exec(block)?.[1];
  if (data === undefined) return [];
  const event = JSON.parse(data) as Received;
  expect(/^id: (.*)$/m.exec(block)?.[1]).toBe(event.id);
  expect(/^event: (.*)$/m.exec(block)?.[1]).toBe(event.type);
  return [event];
}

/** Writes events in a transaction that stays open for a while, as a slow writer would. */
function write(message: string, openMs: number, of = organizationId): Promise<void> {
  return test.db.transaction().execute(async (tx) => {
    await appendEvents(tx, [{ organizationId: of, type: 'cluster.updated', message }]);
    await sleep(openMs);
    await appendEvents(tx, [{ organizationId: of, type: 'cluster.updated', message: `${message} again` }]);
  });
}

async function writeConcurrently(writers: number, each: number, prefix: string): Promise<string[]> {
  const written: string[] = [];
  await Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      for (let i = 0; i < each; i += 1) {
        const message = `${prefix} ${writer}.${i}`;
        await write(message, (writer * 7 + i * 3) % 25);
        written.push(message, `${message} again`);
        control.wake('somebody');
      }
    }),
  );
  return written;
}

describe('the list of events', () => {
  it('goes page by page in both directions, each event once', async () => {
    const own = await test.organization();
    for (let i = 0; i < 5; i += 1) await write(`e${i}`, 0, own.id);
    for (const order of ['asc', 'desc']) {
      const seen: unknown[] = [];
      for (let cursor = ''; ; ) {
        const { body } = await test.ask('GET', `/events?type=cluster.updated&limit=3&order=${order}${cursor}`, {
          as: own.owner,
        });
        seen.push(...itemsOf(body).map(({ message }) => message));
        if (body['next_cursor'] === null) break;
        cursor = `&cursor=${body['next_cursor']}`;
      }
      const all = Array.from({ length: 5 }, (_, i) => [`e${i}`, `e${i} again`]).flat();
      expect(seen).toEqual(order === 'asc' ? all : all.toReversed());
    }
  });

  it('is complete up to the oldest writer of its database, and waits for none of another', async () => {
    const own = await test.organization();
    const page = { order: 'asc', limit: 10, after: undefined } as const;
    const messages = async () =>
      (await listEvents(test.db, { organizationId: own.id }, { type: 'cluster.updated' }, page)).length;
    const neighbour = await createTestDatabase();
    const [elsewhere, here] = [new pg.Client(neighbour.url), new pg.Client(test.databaseUrl)];
    try {
      await elsewhere.connect();
      await elsewhere.query('begin; create table held_open ()');
      await write('beside another database', 0, own.id);
      // In the moment in which one of a neighbour ends, it may count: not for longer.
      await expect.poll(messages).toBe(2);
      await here.connect();
      await here.query('begin; create temporary table held_open () on commit drop');
      await write('beside another writer', 0, own.id);
      expect(await messages()).toBe(2);
      // What was complete once stays so, whatever a horizon says that is computed later.
      const { rows } = await sql<{ next: string }>`select next_transaction_number()::text as next`.execute(test.db);
      const completeTo = BigInt(rows[0]!.next);
      const list = listEvents(
        test.db,
        { organizationId: own.id },
        { type: 'cluster.updated' },
        { ...page, completeTo },
      );
      expect((await list).length).toBe(4);
      await here.query('commit');
      await expect.poll(messages).toBe(4);
      await expect.poll(() => settleEvents(test.db, { organizationId: own.id }, 0)).toBeGreaterThanOrEqual(completeTo);
    } finally {
      await Promise.all([elsewhere.end(), here.end()]);
      await neighbour.drop();
    }
  });

  it('tells what happened to a deployment in the order in which it did, whichever transaction began first', async () => {
    const own = await test.organization();
    const deploymentId = '0190a1b2-0000-7000-8000-000000000001';
    const about = { organizationId: own.id, deploymentId };
    await test.db.transaction().execute(async (pass) => {
      // As a pass does: it has its number with the first lock, and admits what was submitted after that.
      await sql`select pg_current_xact_id()`.execute(pass);
      await test.db
        .transaction()
        .execute((tx) => appendEvents(tx, [{ ...about, type: 'deployment.submitted', message: 'first' }]));
      await appendEvents(pass, [{ ...about, type: 'deployment.admitted', message: 'second' }]);
      const page = { order: 'asc', limit: 10, after: undefined } as const;
      expect(await listEvents(test.db, { organizationId: own.id }, { deploymentId }, page)).toEqual([]);
    });
    const { body } = await test.ask('GET', `/events?deployment_id=${deploymentId}`, { as: own.owner });
    expect(itemsOf(body).map(({ message }) => message)).toEqual(['first', 'second']);
  });

  it('is of a family of types, or of what one person did, where that is asked', async () => {
    const own = await test.organization();
    const by = own.owner.id;
    const entries = [
      { type: 'webhook.created', message: 'a', actorId: by },
      { type: 'webhook.deleted', message: 'b' },
      { type: 'webhook.updated', message: 'c', actorId: by },
      { type: 'volume.created', message: 'd', actorId: by },
    ] as const;
    await appendEvents(
      test.db,
      entries.map((entry) => ({ ...entry, organizationId: own.id })),
    );
    const messages = async (query: string) =>
      itemsOf((await test.ask('GET', `/events?${query}`, { as: own.owner })).body).map(({ message }) => message);
    expect(await messages('type=webhook.*')).toEqual(['a', 'b', 'c']);
    expect(await messages(`type=webhook.*&actor_id=${by}`)).toEqual(['a', 'c']);
    expect(await messages('type=webhook.created')).toEqual(['a']);
    expect(await messages('type=webhoo*')).toEqual([]);
    expect(await messages('actor_id=nobody')).toEqual([]);
  });

  it('refuses a cursor that is none', async () => {
    for (const cursor of ['nonsense', '99999999999999999999-1', '1-99999999999999999999']) {
      expect((await test.ask('GET', `/events?cursor=${cursor}`, { as: user })).status).toBe(400);
    }
  });

  it('is empty for an id that is none, and for one of others', async () => {
    for (const filter of ['cluster_id=nonsense', 'deployment_id=00000000-0000-7000-8000-000000000000']) {
      expect((await test.ask('GET', `/events?${filter}`, { as: user })).body['items']).toEqual([]);
    }
  });
});

describe('the stream', () => {
  it('misses nothing and doubles nothing under concurrent writers, live and resumed', async () => {
    const live = await listen(user);
    expect(live.response.headers.get('content-type')).toContain('text/event-stream');
    const written = await writeConcurrently(8, 12, 'live');
    const events = await live.until(written.length);
    expect(events.map(({ message }) => message).toSorted()).toEqual(written.toSorted());
    // Cut off in the middle, and gone on with from there.
    const middle = events[50]!;
    const resumed = await listen(user, { from: middle.id });
    const rest = await resumed.until(events.length - 51);
    expect(rest).toEqual(events.slice(51));
    await live.close();
    await resumed.close();
  });

  it('resumes while others write', async () => {
    const first = await listen(user);
    const writing = writeConcurrently(6, 15, 'resumed');
    const seen: Received[] = [...(await first.until(20))];
    await first.close();
    seen.splice(0, seen.length, ...first.events);
    for (let cuts = 0; cuts < 4; cuts += 1) {
      const next = await listen(user, { from: seen.at(-1)!.id });
      await next.until(15);
      await next.close();
      seen.push(...next.events);
    }
    const written = await writing;
    const last = await listen(user, { from: seen.at(-1)!.id });
    await last.until(written.length - seen.length);
    await last.close();
    seen.push(...last.events);
    expect(seen.map(({ message }) => message).toSorted()).toEqual(written.toSorted());
  });

  it('finds what another process wrote, without being woken', async () => {
    const stream = await listen(user);
    await write('silent', 0);
    expect((await stream.until(2)).map(({ message }) => message)).toEqual(['silent', 'silent again']);
    await stream.close();
  });

  it('shows one organization, and what its filter says', async () => {
    const other = await test.organization();
    const theirs = await listen(other.owner);
    const filtered = await listen(user, { query: '?cluster_id=00000000-0000-7000-8000-000000000000' });
    const nothing = await listen(user, { query: '?deployment_id=nonsense' });
    await write('ours', 0);
    await write('theirs', 0, other.id);
    // Streams begin a little before now, so that nothing is missed: the creation of the organization may be among them.
    const messages = () => theirs.events.filter(({ type }) => type === 'cluster.updated').map(({ message }) => message);
    await expect.poll(() => messages().length).toBeGreaterThanOrEqual(2);
    await sleep(100);
    expect(messages()).toEqual(['theirs', 'theirs again']);
    expect([...filtered.events, ...nothing.events]).toEqual([]);
    for (const stream of [theirs, filtered, nothing]) await stream.close();
  });

  it('ends when the server closes', async () => {
    const other = await startTestApi({ control: fakeControl() });
    const { owner } = await other.organization();
    await other.api.listen({ port: 0, host: '127.0.0.1' });
    const { port } = other.api.server.address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/events/stream`, {
      headers: { authorization: `Bearer ${owner.token}` },
    });
    const reading = response.text();
    await other.close();
    expect(await reading).toContain(': connected');
  });

  it('refuses a Last-Event-ID that is none', async () => {
    expect((await listen(user, { from: 'nonsense' })).response.status).toBe(400);
    expect((await listen(user, { query: '?last_event_id=1' })).response.status).toBe(400);
  });

  it('goes on from the query as from the header', async () => {
    const { body } = await test.ask('GET', '/events?order=desc&limit=3', { as: user });
    const [newest, , third] = itemsOf(body);
    const stream = await listen(user, { query: `?last_event_id=${third!['id']}` });
    const events = await stream.until(2);
    expect(events).toHaveLength(2);
    expect(events[1]!.id).toBe(newest!['id']);
    await stream.close();
  });
});
