/**
 * Live events: one look at the log of an organization serves all of its streams. Woken by what this process writes; a look
 * every second finds what others wrote.
 */
import type { Database } from '../store/database.ts';
import {
  comparePositions,
  type EventFilter,
  type EventPosition,
  type EventRow,
  endOfEvents,
  familyOf,
  listEvents,
  positionOf,
} from '../store/event-log.ts';
import type { Scope } from '../store/scope.ts';

const regularLookMs = 1000;
/** Written events come in bursts: one look serves those of so many milliseconds. */
const settleMs = 20;
const pageMax = 500;
/** Kept for streams that lag a little; who lags more reads the log by themselves. */
const recentMax = 2000;

/** The feeds of a process, one for each organization that somebody listens to. */
export class EventFeeds {
  readonly #db: Database;
  readonly #onEvents: (listener: () => void) => () => void;
  readonly #feeds = new Map<string, EventFeed>();

  constructor(db: Database, onEvents: (listener: () => void) => () => void) {
    this.#db = db;
    this.#onEvents = onEvents;
  }

  /** Events as they are committed, after `position`, none missed and none doubled; null when for `idleMs` there was none. */
  async *follow(
    scope: Scope,
    filter: EventFilter,
    position: EventPosition,
    options: { idleMs: number; signal: AbortSignal },
  ): AsyncGenerator<EventRow | null> {
    const feed = await this.#join(scope, position);
    try {
      yield* feed.follow(filter, position, options);
    } finally {
      this.#leave(scope, feed);
    }
  }

  async #join(scope: Scope, position: EventPosition): Promise<EventFeed> {
    const known = this.#feeds.get(scope.organizationId);
    const end = known === undefined ? await endOfEvents(this.#db) : position;
    // Another stream may have made it meanwhile.
    let feed = this.#feeds.get(scope.organizationId);
    if (feed === undefined) {
      feed = new EventFeed(this.#db, scope, end, this.#onEvents);
      this.#feeds.set(scope.organizationId, feed);
    }
    feed.streams += 1;
    return feed;
  }

  #leave(scope: Scope, feed: EventFeed): void {
    feed.streams -= 1;
    if (feed.streams > 0) return;
    feed.close();
    this.#feeds.delete(scope.organizationId);
  }
}

class EventFeed {
  streams = 0;
  readonly #db: Database;
  readonly #scope: Scope;
  /** All events after the floor up to the tip, in order. */
  #recent: EventRow[] = [];
  #floor: EventPosition;
  #tip: EventPosition;
  #looking = false;
  #lookAgain = false;
  #closed = false;
  readonly #waiting = new Set<() => void>();
  readonly #stopListening: () => void;
  readonly #regular: NodeJS.Timeout;

  constructor(db: Database, scope: Scope, end: EventPosition, onEvents: (listener: () => void) => () => void) {
    this.#db = db;
    this.#scope = scope;
    this.#floor = end;
    this.#tip = end;
    this.#stopListening = onEvents(() => void this.#look());
    this.#regular = setInterval(() => void this.#look(), regularLookMs);
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#regular);
    this.#stopListening();
  }

  async *follow(
    filter: EventFilter,
    start: EventPosition,
    { idleMs, signal }: { idleMs: number; signal: AbortSignal },
  ): AsyncGenerator<EventRow | null> {
    let position = start;
    while (!signal.aborted) {
      const page = this.#recentAfter(position);
      if (page === null) {
        // What was readable by the time of the tip is in the page: the rest of it is other people's.
        const tip = this.#tip;
        const older = await listEvents(this.#db, this.#scope, filter, {
          order: 'asc',
          limit: pageMax,
          after: position,
        });
        yield* older;
        const last = older.at(-1);
        if (last !== undefined) position = positionOf(last);
        if (older.length < pageMax) position = laterOf(position, tip);
        continue;
      }
      for (const event of page) {
        if (matches(event, filter)) yield event;
        position = positionOf(event);
      }
      // No await lies between the look at the recent ones and the wait: nothing comes in between.
      if (page.length === 0 && !(await this.#changed(idleMs, signal)) && !signal.aborted) yield null;
    }
  }

  /** Null where the position is older than what is kept. */
  #recentAfter(position: EventPosition): EventRow[] | null {
    if (comparePositions(position, this.#floor) < 0) return null;
    return this.#recent.slice(firstAfter(this.#recent, position));
  }

  /** False where nothing changed in time. */
  #changed(timeoutMs: number, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (changed: boolean) => {
        this.#waiting.delete(onChange);
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        resolve(changed);
      };
      const onChange = () => settle(true);
      const onAbort = () => settle(false);
      const timer = setTimeout(() => settle(false), timeoutMs);
      this.#waiting.add(onChange);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  async #look(): Promise<void> {
    if (this.#looking) {
      this.#lookAgain = true;
      return;
    }
    this.#looking = true;
    try {
      do {
        await new Promise((resolve) => setTimeout(resolve, settleMs));
        this.#lookAgain = false;
        if (!this.#closed) await this.#readOn();
      } while (this.#lookAgain);
    } catch {
      // The database is away: the next look goes on where this one could not.
    } finally {
      this.#looking = false;
    }
  }

  async #readOn(): Promise<void> {
    const page = await listEvents(this.#db, this.#scope, {}, { order: 'asc', limit: pageMax, after: this.#tip });
    const last = page.at(-1);
    if (last === undefined) return;
    this.#tip = positionOf(last);
    this.#recent.push(...page);
    const dropped = this.#recent.splice(0, this.#recent.length - recentMax).at(-1);
    if (dropped !== undefined) this.#floor = positionOf(dropped);
    if (page.length === pageMax) this.#lookAgain = true;
    for (const wake of this.#waiting) wake();
  }
}

function laterOf(a: EventPosition, b: EventPosition): EventPosition {
  return comparePositions(a, b) < 0 ? b : a;
}

/** The index of the first event after the position, by bisection. */
function firstAfter(events: readonly EventRow[], position: EventPosition): number {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const event = events[middle];
    if (event !== undefined && comparePositions(positionOf(event), position) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function matches(event: EventRow, filter: EventFilter): boolean {
  return (
    (filter.clusterId === undefined || event.cluster_id === filter.clusterId) &&
    (filter.deploymentId === undefined || event.deployment_id === filter.deploymentId) &&
    (filter.actorId === undefined || event.actor_id === filter.actorId) &&
    (filter.type === undefined || isOfType(event.type, filter.type))
  );
}

function isOfType(type: string, wanted: string): boolean {
  const family = familyOf(wanted);
  return family === null ? type === wanted : type.startsWith(family);
}
