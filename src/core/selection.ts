/** Who of each level is admitted, where its replicas stand, and who waits; as it can be changed, and changed back. */

import type { Arrangement, Replica } from './arrangement.ts';
import type { Choice, Level } from './choice.ts';
import type { RankedLevel } from './level.ts';
import type { QueuedDeployment } from './model.ts';
import { byAge, compareByAge } from './order.ts';
import type { Placed } from './pass.ts';
import type { Asker, Free, Room, Spot } from './room.ts';
import type { Shape } from './shape.ts';
import { sizeIn } from './size.ts';

/** The deployments of one shape in a level. */
export interface Kind {
  readonly shape: Shape;
  readonly asker: Asker;
  /** Of one number, shape and asker are the same. */
  readonly number: number;
  readonly size: number;
  /** The oldest first. */
  waiting: QueuedDeployment[];
  admitted: Entry[];
}

export interface Entry {
  deployment: QueuedDeployment;
  readonly replicas: readonly Replica[];
}

/** The kinds of a level, the smallest first. */
export interface SelectedLevel {
  readonly kinds: readonly Kind[];
}

/** What was selected at some moment. */
type Saved = readonly (readonly {
  readonly kind: Kind;
  readonly waiting: readonly QueuedDeployment[];
  readonly admitted: readonly {
    readonly entry: Entry;
    readonly deployment: QueuedDeployment;
    readonly spots: Spot[];
  }[];
}[])[];

/** What there is to choose from, by kind. */
export interface RankedKinds {
  readonly kinds: readonly Kind[];
  /** By rank: the oldest first. */
  readonly deployments: readonly QueuedDeployment[];
  readonly level: Level;
}

/** Whether its replicas may stand anywhere: then they may be moved one by one. */
export const isMovable = ({ shape }: Pick<Kind, 'shape'>): boolean => shape.maxPerNode === Number.POSITIVE_INFINITY;

export class Selection {
  readonly levels: SelectedLevel[] = [];
  readonly #arrangement: Arrangement;
  readonly #all: Free;
  #size = 0;
  readonly #numbers: Readonly<Record<Asker, Map<Shape, number>>> = { free: new Map(), restrained: new Map() };

  constructor(room: Room, arrangement: Arrangement) {
    this.#arrangement = arrangement;
    this.#all = room.free();
  }

  /** How many are admitted in all levels. */
  get size(): number {
    return this.#size;
  }

  /** How many are admitted, by level. */
  get counts(): number[] {
    return this.levels.map(({ kinds }) => kinds.reduce((sum, { admitted }) => sum + admitted.length, 0));
  }

  addLevel(level: RankedLevel, chosen: readonly Placed[]): SelectedLevel {
    const kinds = new Map<number, Kind>();
    const kindOf = (shape: Shape, asker: Asker): Kind => {
      const number = this.#numberOf(shape, asker);
      let kind = kinds.get(number);
      if (kind === undefined) {
        kind = { shape, asker, number, size: sizeIn(shape, this.#all), waiting: [], admitted: [] };
        kinds.set(number, kind);
      }
      return kind;
    };
    const isChosen = new Set(chosen.map(({ deployment }) => deployment));
    for (const { shape, asker, members } of level.candidates) {
      const deployments = members.map((rank) => level.deployments[rank] as QueuedDeployment);
      kindOf(shape, asker).waiting.push(...deployments.filter((one) => !isChosen.has(one)));
    }
    for (const { shape, asker, deployments } of level.crowded) {
      kindOf(shape, asker).waiting.push(...deployments.toSorted(compareByAge));
    }
    const oldest = new Map([...kinds.values()].map((kind) => [kind, kind.waiting[0]]));
    for (const { shape, asker, deployment, spots } of chosen) {
      const kind = kindOf(shape, asker);
      const entry = { deployment, replicas: spots.map((spot) => this.replica(kind, spot)) };
      for (const replica of entry.replicas) this.#arrangement.add(replica);
      kind.admitted.push(entry);
      const known = oldest.get(kind);
      if (known === undefined || compareByAge(deployment, known) < 0) oldest.set(kind, deployment);
    }
    const bySize = [...kinds.values()].toSorted(
      (a, b) => a.size - b.size || compareByAge(oldest.get(a) as QueuedDeployment, oldest.get(b) as QueuedDeployment),
    );
    const added = { kinds: bySize };
    this.levels.push(added);
    this.#size += chosen.length;
    return added;
  }

  #numberOf(shape: Shape, asker: Asker): number {
    const numbers = this.#numbers[asker];
    let number = numbers.get(shape);
    if (number === undefined) {
      number = this.#numbers.free.size + this.#numbers.restrained.size;
      numbers.set(shape, number);
    }
    return number;
  }

  /** A replica of the kind that stands there, or nowhere yet. */
  replica(kind: Kind, spot: Spot | null): Replica {
    const { number, shape, asker } = kind;
    return { kind: number, shape, asker, spot, isMovable: isMovable(kind) };
  }

  /** The oldest that waits of the kind starts, where these replicas stand. */
  admit(kind: Kind, replicas: readonly Replica[]): void {
    const deployment = kind.waiting.shift() as QueuedDeployment;
    kind.admitted.push({ deployment, replicas });
    this.#size++;
    this.#arrangement.settle();
  }

  /** The youngest of the kind waits again, and the replicas of the entry stand nowhere any more. */
  giveUp(kind: Kind, entry: Entry): void {
    const youngest = kind.admitted.reduce((a, b) => (compareByAge(a.deployment, b.deployment) > 0 ? a : b));
    const { deployment } = youngest;
    youngest.deployment = entry.deployment;
    kind.admitted.splice(kind.admitted.indexOf(entry), 1);
    this.#size--;
    kind.waiting = [...kind.waiting, deployment].toSorted(compareByAge);
    for (const replica of entry.replicas) if (replica.spot !== null) this.#arrangement.move(replica, null);
  }

  /** What there is to choose from in a level of which nobody stands anywhere: those that would fit alone. */
  candidatesOf({ kinds }: SelectedLevel, room: Room): RankedKinds {
    const fitting = kinds.filter((kind) => everybody(kind).length > 0 && room.holds(kind.shape, kind.asker));
    const kindOf = new Map(fitting.flatMap((kind, i) => everybody(kind).map((one) => [one, i] as const)));
    const deployments = byAge([...kindOf.keys()]);
    const turns = deployments.map((deployment) => kindOf.get(deployment) ?? 0);
    const members = fitting.map((): number[] => []);
    turns.forEach((turn, rank) => members[turn]?.push(rank));
    const candidates = fitting.map(({ shape, asker }, i) => ({ shape, asker, members: members[i] ?? [] }));
    return { kinds: fitting, deployments, level: { candidates, turns } };
  }

  /** Of a level, those of the choice and nobody else. Their room is taken already. */
  choose({ kinds }: SelectedLevel, ranked: RankedKinds, choice: Choice): void {
    for (const kind of kinds) {
      const all = everybody(kind).toSorted(compareByAge);
      const chosen = choice[ranked.kinds.indexOf(kind)] ?? [];
      kind.waiting = all.slice(chosen.length);
      this.#size += chosen.length - kind.admitted.length;
      kind.admitted = chosen.map((spots, i) => {
        const replicas = spots.map((spot) => this.#arrangement.addNew(this.replica(kind, spot)));
        return { deployment: all[i] as QueuedDeployment, replicas };
      });
    }
    this.#arrangement.settle();
  }

  /** Nobody of these levels stands anywhere. */
  lift(levels: readonly SelectedLevel[]): void {
    for (const { replicas } of levels.flatMap(({ kinds }) => kinds.flatMap(({ admitted }) => admitted))) {
      for (const replica of replicas) if (replica.spot !== null) this.#arrangement.move(replica, null);
    }
  }

  save(): Saved {
    return this.levels.map(({ kinds }) =>
      kinds.map((kind) => ({
        kind,
        waiting: [...kind.waiting],
        admitted: kind.admitted.map((entry) => {
          return { entry, deployment: entry.deployment, spots: entry.replicas.map(({ spot }) => spot as Spot) };
        }),
      })),
    );
  }

  /** All is as it was. */
  restore(saved: Saved): void {
    const arrangement = this.#arrangement;
    this.lift(this.levels);
    for (const { kind, waiting, admitted } of saved.flat()) {
      kind.waiting = [...waiting];
      this.#size += admitted.length - kind.admitted.length;
      kind.admitted = admitted.map(({ entry, deployment, spots }) => {
        entry.replicas.forEach((replica, i) => {
          arrangement.move(replica, spots[i] ?? null);
        });
        entry.deployment = deployment;
        return entry;
      });
    }
    arrangement.settle();
  }
}

function everybody({ waiting, admitted }: Kind): QueuedDeployment[] {
  return [...waiting, ...admitted.map(({ deployment }) => deployment)];
}
