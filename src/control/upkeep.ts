import type { Logger } from 'pino';
import type { Task } from '../queue/task-queue.ts';
import type { Database } from '../store/database.ts';
import type { Keyring } from '../store/secrets/keyring.ts';
import type { AddressRules } from '../webhooks/addresses.ts';
import type { SendResult } from '../webhooks/send.ts';
import { closeInTurn, type Loop } from './duties.ts';
import type { Schedules } from './schedules.ts';
import { startSettler } from './settler.ts';
import { startSweeper } from './sweeper.ts';
import { startWebhooks } from './webhooks.ts';

interface Deps {
  readonly db: Database;
  readonly log: Logger;
  readonly secretKey: Keyring;
  readonly webhookRules: AddressRules;
  readonly schedules: Pick<Schedules, 'start'>;
  readonly send: (tasks: readonly Task[]) => void;
  readonly wake: (clusterId: string) => void;
  readonly onEvents: () => void;
  readonly onDelivery: (result: SendResult) => void;
}

/** What keeps time, and finds what was lost: each part looks by itself, and at once when it is told to. */
export interface Upkeep extends Loop {
  readonly settle: () => void;
  readonly deliver: () => void;
  readonly sweep: () => void;
}

export function startUpkeep(deps: Deps): Upkeep {
  const { db, log, send, wake, onEvents } = deps;
  const webhooks = startWebhooks({
    db,
    log,
    secretKey: deps.secretKey,
    rules: deps.webhookRules,
    random: Math.random,
    onEvents,
    onAttempt: deps.onDelivery,
  });
  const sweeper = startSweeper({ db, log, send, onRoom: wake });
  const settler = startSettler({ db, log, onReleased: wake, onEvents });
  const schedules = deps.schedules.start();
  return {
    settle: () => settler.now(),
    deliver: () => webhooks.now(),
    sweep: () => sweeper.now(),
    close: () => closeInTurn([schedules, sweeper, settler, webhooks]),
  };
}
