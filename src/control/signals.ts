/**
 * What processes tell each other: "look now", and at what. Hints, as everything between the loops: one that is lost is made up for by the
 * next regular look.
 */
import type { Logger } from 'pino';
import type { Database } from '../store/database.ts';
import { listen, type Self } from '../store/listening.ts';
import { notify } from '../store/notify.ts';
import { noteSeen, removeProcess } from '../store/processes.ts';
import { repeat } from './repeat.ts';

/** What was said within so many milliseconds is told together, and once. */
const gatherMs = 10;
const seenMs = 1_000;

type Signal =
  /** Something changed that the cluster's scheduler should look at. */
  | { readonly kind: 'wake'; readonly clusterId: string }
  /** Somebody asked for a pass of it. */
  | { readonly kind: 'pass'; readonly clusterId: string }
  /** That pass was answered. */
  | { readonly kind: 'answered'; readonly requestId: string }
  /** Events were written. */
  | { readonly kind: 'events' }
  /** Deployments that others wait for may have ended. */
  | { readonly kind: 'settle' }
  /** Deliveries to webhooks are due. */
  | { readonly kind: 'deliver' }
  /** Tasks that could not be carried out may be now. */
  | { readonly kind: 'sweep' }
  /** Engines were added, changed or deleted. */
  | { readonly kind: 'engines' }
  /** A process came: others take their time to find out by themselves. */
  | { readonly kind: 'hello' };

export interface Signals {
  /** To all others. Returns at once. */
  tell(signal: Signal): void;
  /** By another process. */
  onTold(listener: (signal: Signal) => void): void;
  close(): Promise<void>;
}

interface Deps {
  readonly db: Database;
  readonly log: Logger;
  /** Of the database itself: connections behind a pooler hear nothing. */
  readonly databaseUrl: string;
  readonly self: Self;
}

/** Joins the other processes of the installation. */
export async function joinProcesses({ db, log, databaseUrl, self }: Deps): Promise<Signals> {
  const listeners = new Set<(signal: Signal) => void>();
  const said = new Set<string>();
  let timer: NodeJS.Timeout | null = null;
  // Nothing is told where nobody hears it: each message costs the database a lock that all commits share.
  let others = 0;
  const look = repeat(seenMs, log, 'the look for other processes', async () => {
    others = await noteSeen(db, self.id);
  });

  function flush(): void {
    timer = null;
    const messages = [...said].map((text) => `${self.id} ${text}`);
    said.clear();
    notify(db, messages).catch((error: unknown) => log.debug({ err: error }, 'other processes were not told'));
  }

  function say(signal: Signal): void {
    said.add(JSON.stringify(signal));
    timer ??= setTimeout(flush, gatherMs);
  }

  function hear(message: string): void {
    const [from, text = ''] = splitOnce(message);
    if (from === self.id) return;
    // One of another version may say what this one does not know.
    const signal = JSON.parse(text) as Signal;
    if (signal.kind === 'hello') look.now();
    for (const listener of listeners) listener(signal);
  }

  const listening = await listen({
    url: databaseUrl,
    self,
    onMessage: hear,
    onConnected: () => {
      say({ kind: 'hello' });
      look.now();
    },
    onLost: (error) => log.warn({ err: { message: error.message } }, 'other processes are not heard for the moment'),
  });

  return {
    tell(signal) {
      if (others > 0) say(signal);
    },
    onTold: (listener) => void listeners.add(listener),
    async close() {
      if (timer !== null) clearTimeout(timer);
      await look.stop();
      await removeProcess(db, self.id).catch((error: unknown) =>
        log.debug({ err: error }, 'the process was not noted off'),
      );
      await listening.close();
    },
  };
}

function splitOnce(text: string): [string, string?] {
  const at = text.indexOf(' ');
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
