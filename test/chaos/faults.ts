/** What can go wrong, and how it is brought about. Each ends by itself. */
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Ground } from './ground.ts';
import type { KeptProcess } from './kept-process.ts';
import type { Links, Place } from './links.ts';

export interface Linked {
  readonly process: KeptProcess;
  readonly links: Links;
}

export interface Ruins {
  readonly ground: Ground;
  readonly processes: readonly Linked[];
  /** Straight to PostgreSQL. */
  readonly db: pg.Pool;
}

/** One that was drawn, and is yet to happen. */
export interface Drawn {
  readonly what: string;
  /** Nothing else happens to these meanwhile. */
  readonly to: readonly string[];
  readonly happen: () => Promise<unknown>;
}

interface Kind {
  /** So often, of all. */
  readonly weight: number;
  readonly draw: (ruins: Ruins, random: () => number) => Drawn;
}

const between = (random: () => number, from: number, to: number) => Math.round(from + random() * (to - from));
const pick = <T>(random: () => number, all: readonly T[]): T => all[Math.floor(random() * all.length)]!;
const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

export const kinds: Readonly<Record<string, Kind>> = {
  killProcess: {
    weight: 8,
    draw({ processes }, random) {
      const { process } = pick(random, processes);
      const downMs = between(random, 0, 2500);
      return { what: `kill -9 ${process.name}`, to: [process.name], happen: () => process.kill(downMs) };
    },
  },
  killRole: {
    weight: 2,
    draw({ processes }, random) {
      const role = pick(random, ['api', 'scheduler', 'worker'] as const);
      const all = processes.map((one) => one.process).filter((one) => one.role === role);
      const downMs = between(random, 0, 1500);
      const happen = () => Promise.all(all.map((one) => one.kill(downMs)));
      return { what: `kill -9 every ${role}`, to: all.map(({ name }) => name), happen };
    },
  },
  hang: {
    weight: 3,
    draw({ processes }, random) {
      const { process } = pick(random, processes);
      // A lease lasts four seconds, and who was silent for ten is taken for dead.
      const ms = between(random, 1000, 12_000);
      return { what: `${process.name} hangs for ${seconds(ms)}`, to: [process.name], happen: () => process.hang(ms) };
    },
  },
  killPostgres: {
    weight: 3,
    draw({ ground }, random) {
      const downMs = between(random, 0, 3000);
      return { what: 'kill -9 PostgreSQL', to: ['PostgreSQL'], happen: () => ground.postgres.kill(downMs) };
    },
  },
  killBackend: {
    weight: 2,
    // All others end then as well, and PostgreSQL recovers as after a crash.
    draw: ({ db }) => ({
      what: 'kill -9 one of the processes of PostgreSQL',
      to: ['PostgreSQL'],
      happen: () => killOneOf(db).catch(() => undefined),
    }),
  },
  killRedis: {
    weight: 2,
    draw({ ground }, random) {
      const downMs = between(random, 0, 3000);
      return { what: 'kill -9 Redis', to: ['Redis'], happen: () => ground.redis.kill(downMs) };
    },
  },
  loseRedis: {
    weight: 1,
    draw: ({ ground }) => ({
      what: 'kill -9 Redis, and lose all that it knew',
      to: ['Redis'],
      happen: () => ground.redis.kill(0, () => ground.forgetRedis()),
    }),
  },
  cut: {
    weight: 6,
    draw({ processes }, random) {
      const { process, links } = pick(random, processes);
      const place = pick<Place>(random, [...links.proxies.keys()]);
      const ms = between(random, 0, 7000);
      return {
        what: `${process.name} is cut off from ${place} for ${seconds(ms)}`,
        to: [`${process.name}-${place}`],
        happen: () => cutOff(links, place, ms),
      };
    },
  },
  terminate: {
    weight: 2,
    draw: ({ db }) => ({
      what: 'all connections to PostgreSQL are broken',
      to: [],
      happen: () =>
        db
          .query(
            'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()',
          )
          .catch(() => undefined),
    }),
  },
  fillDisk: {
    weight: 2,
    draw({ ground }, random) {
      const ms = between(random, 2000, 6000);
      return {
        what: `the disk of PostgreSQL and Redis is full for ${seconds(ms)}`,
        to: ['the disk'],
        happen: () => fill(ground, ms),
      };
    },
  },
};

async function cutOff(links: Links, place: Place, ms: number): Promise<void> {
  const proxy = links.proxies.get(place)!;
  await proxy.cut();
  await sleep(ms);
  await proxy.mend();
}

async function fill({ disk }: Ground, ms: number): Promise<void> {
  try {
    await disk.fill();
    await sleep(ms);
  } finally {
    await disk.clear();
  }
}

async function killOneOf(db: pg.Pool): Promise<void> {
  const { rows } = await db.query<{ pid: number }>(
    `select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() order by random() limit 1`,
  );
  const [one] = rows;
  if (one !== undefined) process.kill(one.pid, 'SIGKILL');
}
