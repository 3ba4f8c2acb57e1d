/** What becomes of the one task of a service, as the swarm tells it. */

import { toRuntimeError } from '../docker/errors.ts';
import type { RuntimeError } from '../runtime.ts';
import { RuntimeError as PortError } from '../runtime.ts';

/** In their order: a task goes on to later ones only (Docker documentation, "Swarm task states"). */
const states = [
  'new',
  'allocated',
  'pending',
  'assigned',
  'accepted',
  'preparing',
  'ready',
  'starting',
  'running',
  'complete',
  'shutdown',
  'failed',
  'rejected',
  'remove',
  'orphaned',
] as const;
type State = (typeof states)[number];

/** What of the engine's answer counts here (Docker Engine API, "List tasks"). */
export interface Task {
  readonly ID: string;
  readonly ServiceID: string;
  readonly CreatedAt: string;
  readonly DesiredState: State;
  readonly Status: { readonly State: State; readonly Err?: string; readonly Message?: string };
}

const rank = (state: State) => states.indexOf(state);

/** There is none yet whose container could run. */
export function isOnItsWay({ Status, DesiredState }: Task): boolean {
  return rank(Status.State) < rank('running') && rank(DesiredState) <= rank('running');
}

/**
 * It was told to end by the swarm, which does so where its node is drained, or came back after it was given up. After an end of its own a
 * task is told so, too, but says first how it ended.
 */
export function isEvicted({ Status, DesiredState }: Task): boolean {
  return (
    rank(DesiredState) > rank('running') &&
    DesiredState !== 'remove' &&
    (Status.State === 'shutdown' || Status.State === 'orphaned' || rank(Status.State) <= rank('running'))
  );
}

/** Why it will not start; null while it may. */
export function refusalOf({ Status, DesiredState }: Task): RuntimeError | null {
  const { State: state, Err = '' } = Status;
  if (state === 'rejected' || state === 'failed') return startFailed(Err);
  if (rank(state) < rank('running') && rank(DesiredState) > rank('running')) {
    return new PortError('unreachable', 'the swarm has called off the start: its node is drained, or was lost');
  }
  return null;
}

/** What the agent of a node says before the words of its engine. */
const agentsWords = /^(starting container failed|task: non-zero exit.*?|preparing|fatal task error): /;

function startFailed(words: string): RuntimeError {
  return toRuntimeError(new Error(words.replace(agentsWords, '')), 'start_failed');
}

/** What a start waits for that the swarm places nowhere; null where it is not so. */
export function waitsInVain({ Status }: Task): boolean {
  return Status.State === 'pending' && /no suitable node/.test(Status.Err ?? '');
}

/** The swarm's own "no suitable node", which names what each node lacks: all but ours lack that they are ours. */
export function unsuitable({ Status }: Task, ports: readonly { readonly host: number | null }[]): RuntimeError {
  const words = Status.Err ?? '';
  if (/not available for new tasks/.test(words)) {
    return new PortError('unreachable', 'the node takes no new containers: it is drained or paused in the swarm');
  }
  if (/host-mode port already in use/.test(words)) {
    const named = ports.flatMap(({ host }) => (host === null ? [] : [host])).join(', ');
    return new PortError('start_failed', `the host port ${named} is in use already`);
  }
  if (/insufficient resources/.test(words)) {
    return new PortError(
      'start_failed',
      'the node has not that much left in the swarm: services that are not of Hypervisor have reserved some of it',
    );
  }
  if (/unsupported platform/.test(words)) {
    return new PortError('start_failed', "the image is made for another kind of processor than the node's");
  }
  return new PortError('start_failed', `the swarm finds no place for it on the node (${words})`);
}
