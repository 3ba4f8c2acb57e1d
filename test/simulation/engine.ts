/**
 * A model of a container engine: names are unique, containers end by themselves as their environment says, and everything is written
 * down that the auditor has to know. What reaches it, and what of it is heard, is the business of the port (runtime-port.ts).
 */
import type { ContainerKey, ContainerSpec, ContainerState } from '../../src/runtimes/runtime.ts';
import { createdState, nameOf } from '../../src/runtimes/simulated/behaviour.ts';
import type { World } from './world.ts';

export interface Container {
  readonly spec: ContainerSpec;
  state: ContainerState;
  isGone: boolean;
}

/** How a container came to its end. */
export interface EndedContainer {
  readonly key: ContainerKey;
  readonly exitCode: number;
  /** It vanished, and nobody was to know how it ended. */
  readonly vanished: boolean;
}

const killed = 137;
const terminated = 143;

export class Engine {
  readonly #world: World;
  readonly containers = new Map<string, Container>();
  readonly ended: EndedContainer[] = [];
  /** Told of each end. */
  readonly watchers = new Set<(state: ContainerState) => void>();
  /** Counts changes, for who looks at it again and again. */
  version = 0;
  #made = 0;

  constructor(world: World) {
    this.#world = world;
  }

  get running(): Container[] {
    return [...this.containers.values()].filter(({ state }) => state.status === 'running');
  }

  /** False where there is one of that name. */
  create(spec: ContainerSpec, name = nameOf(spec.key)): boolean {
    if (this.containers.has(name)) return false;
    this.#made += 1;
    const state = createdState(spec.key, `container-${this.#made}`);
    this.containers.set(name, { spec, state, isGone: false });
    this.version += 1;
    return true;
  }

  /** One that runs or has ended is left as it is. */
  start(container: Container): void {
    if (container.state.status !== 'created' || container.isGone) return;
    container.state = { ...container.state, status: 'running', startedAt: this.#world.engineTime };
    this.version += 1;
    this.#world.note(`engine: ${container.state.containerId} runs`);
    const { SIM_RUN_MS: runMs } = container.spec.env;
    if (runMs === undefined) return;
    this.#world.after(Number(runMs), () => this.end(container, exitCodeOf(container.spec)));
  }

  end(container: Container, exitCode: number): void {
    if (container.state.status !== 'running' || container.isGone) return;
    container.state = { ...container.state, status: 'exited', exitCode, finishedAt: this.#world.engineTime };
    this.version += 1;
    this.ended.push({ key: container.state.key, exitCode, vanished: false });
    this.#world.note(`engine: ${container.state.containerId} ended with ${exitCode}`);
    for (const watcher of this.watchers) watcher(container.state);
  }

  /** Asks it to end: it does so soon, or not before it is killed. */
  signal(container: Container, graceSeconds: number): void {
    const obeys = container.spec.env['SIM_IGNORE_TERM'] === undefined;
    const inMs = obeys ? this.#world.between(1, 200) : graceSeconds * 1000;
    this.#world.after(inMs, () => this.end(container, obeys ? terminated : killed));
  }

  remove(name: string): void {
    const container = this.containers.get(name);
    if (container === undefined) return;
    this.end(container, killed);
    container.isGone = true;
    this.containers.delete(name);
    this.version += 1;
  }

  /** As if somebody had removed it by hand. */
  vanish(container: Container): void {
    this.ended.push({ key: container.state.key, exitCode: killed, vanished: true });
    container.isGone = true;
    this.containers.delete(nameOf(container.state.key));
    this.version += 1;
    this.#world.note(`engine: ${container.state.containerId} vanished`);
  }
}

/** `1,0`: the first attempt with 1, all later ones with 0. */
function exitCodeOf({ key, env }: ContainerSpec): number {
  const codes = (env['SIM_EXIT_CODE'] ?? '0').split(',');
  return Number(codes[Math.min(key.attempt, codes.length) - 1]);
}
