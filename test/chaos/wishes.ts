/** What people submit: jobs of a moment and of seconds, good ones and bad ones, and services. */
import type { DeploymentInput } from '../conformance/client.ts';
import type { Asked, End } from './promises.ts';

export interface Place {
  readonly clusterId: string;
  readonly runtime: 'simulated' | 'docker';
  readonly isPreemptive: boolean;
  /** That the engine has; of a simulated one any. */
  readonly image: string;
  readonly hasGpus: boolean;
}

interface Wish {
  readonly asked: Asked;
  readonly body: DeploymentInput;
}

const attemptsOfRetried = { limit: 2 };

export function draw(random: () => number, place: Place, name: string, kind: 'job' | 'service'): Wish {
  const end = kind === 'service' ? 'never' : drawEnd(random(), place);
  const replicas = kind === 'job' && random() < 0.2 && place.runtime === 'simulated' ? 2 : 1;
  const asked: Asked = {
    name,
    kind,
    runtime: place.runtime,
    end,
    isPreemptible: place.isPreemptive,
    replicas,
    id: null,
    requested: new Set(),
    endedIn: null,
  };
  const body: DeploymentInput = {
    cluster_id: place.clusterId,
    name,
    kind,
    docker_image: place.image,
    replicas,
    priority: 1 + Math.floor(random() * 100),
    stop_grace_s: 1,
    ...(end === 'by its time limit' && { time_limit_s: 1 + Math.floor(random() * 3) }),
    ...(end === 'well at last' && { retry: attemptsOfRetried }),
    ...(place.runtime === 'docker' ? inContainer(random, end) : simulated(random, end, place.hasGpus)),
  };
  return { asked, body };
}

function drawEnd(chance: number, { runtime }: Place): End {
  if (chance < 0.65) return 'well';
  if (chance < 0.8) return 'badly';
  // Each attempt in a container costs a second of the processor.
  if (runtime === 'docker') return 'well';
  return chance < 0.92 ? 'well at last' : 'by its time limit';
}

function simulated(random: () => number, end: End, hasGpus: boolean): DeploymentInput {
  const goesOn = end === 'never' || end === 'by its time limit';
  const code = end === 'badly' ? '3' : end === 'well at last' ? '3,0' : '0';
  return {
    // All services have room at once, each as often as it may be: in the end each has to run.
    ...(end === 'never'
      ? { ram_required: 0.5, cpu_required: 0.25 }
      : { ram_required: 1 + Math.floor(random() * 4), cpu_required: 1 }),
    gpu_required: hasGpus && end !== 'never' && random() < 0.3 ? [0.25, 0.5, 1][Math.floor(random() * 3)]! : 0,
    env: goesOn ? {} : { SIM_RUN_MS: String(Math.round(50 * 80 ** random())), SIM_EXIT_CODE: code },
  };
}

function inContainer(random: () => number, end: End): DeploymentInput {
  const seconds = (0.2 + random() * 3).toFixed(1);
  const goesOn = 'while :; do sleep 1; done';
  return {
    command: ['sh', '-c', end === 'never' ? goesOn : `sleep ${seconds}; exit ${end === 'badly' ? 3 : 0}`],
    ram_required: 0.032,
    cpu_required: 0.1,
    pull_policy: 'never',
    stop_grace_s: 0,
  };
}
