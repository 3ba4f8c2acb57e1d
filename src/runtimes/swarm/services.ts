/** Services of a swarm, and their tasks: asked of a manager. */
import type Docker from 'dockerode';
import type { ServiceSpec } from 'dockerode';
import { within } from '../docker/deadline.ts';
import { statusOf } from '../docker/errors.ts';
import { labels } from '../docker/labels.ts';
import { RuntimeError } from '../runtime.ts';
import { toSwarmError } from './errors.ts';
import { swarmLabels } from './labels.ts';
import type { Task } from './tasks.ts';

export interface FoundService {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** Its task was asked for. */
  readonly isStarted: boolean;
}

interface Given {
  readonly manager: Docker;
  readonly answerMs: number;
  readonly installation: string;
  readonly nodeId: string;
}

interface EngineService {
  readonly ID: string;
  readonly CreatedAt: string;
  readonly Version: { readonly Index: number };
  readonly Spec: ServiceSpec & {
    readonly Name: string;
    readonly Labels?: Readonly<Record<string, string>>;
    readonly Mode: { readonly Replicated?: { readonly Replicas?: number } };
  };
}

const toFound = ({ ID, CreatedAt, Spec }: EngineService): FoundService => ({
  id: ID,
  name: Spec.Name,
  labels: Spec.Labels ?? {},
  createdAt: Date.parse(CreatedAt),
  isStarted: (Spec.Mode.Replicated?.Replicas ?? 0) > 0,
});

export function swarmServices({ manager, answerMs, installation, nodeId }: Given) {
  const isOurs = (service: FoundService) => service.labels[labels.installation] === installation;
  const isHere = (service: FoundService) => isOurs(service) && service.labels[swarmLabels.node] === nodeId;

  async function read(name: string): Promise<EngineService | null> {
    try {
      const found: unknown = await within(answerMs, manager.getService(name).inspect());
      return found as EngineService;
    } catch (error) {
      if (statusOf(error) === 404) return null;
      throw toSwarmError(error, 'unreachable');
    }
  }

  async function look(name: string): Promise<FoundService | null> {
    const service = await read(name);
    return service === null ? null : toFound(service);
  }

  async function tasksOf(filter: Readonly<Record<string, string[]>>): Promise<Task[]> {
    try {
      const tasks = (await within(answerMs, manager.listTasks({ filters: filter }))) as Task[];
      return tasks.toSorted((a, b) => (a.CreatedAt < b.CreatedAt ? -1 : 1));
    } catch (error) {
      // The service is gone, and the last of its tasks with it.
      if (statusOf(error) === 404) return [];
      throw toSwarmError(error, 'unreachable');
    }
  }

  return {
    /** Null where there is none of that name, or it is somebody else's. */
    async find(name: string): Promise<FoundService | null> {
      const found = await look(name);
      return found !== null && isOurs(found) ? found : null;
    },

    /** Makes it, or finds the one that an earlier call made. */
    async create(spec: ServiceSpec & { Name?: string }): Promise<FoundService> {
      const name = spec.Name ?? '';
      try {
        await within(answerMs, manager.createService(spec));
      } catch (error) {
        if (statusOf(error) !== 409) throw toSwarmError(error, 'start_failed');
      }
      const found = await look(name);
      if (found === null) throw new RuntimeError('start_failed', 'the service was removed while it was made');
      if (!isOurs(found))
        throw new RuntimeError('start_failed', `the name ${name} is taken by a service that is not ours`);
      return found;
    },

    /** Asks for its task, unless somebody did. Throws `start_failed` where it was removed meanwhile. */
    async start({ name }: FoundService): Promise<void> {
      for (;;) {
        const service = await read(name);
        if (service === null) throw new RuntimeError('start_failed', 'the service was removed while it was started');
        if (toFound(service).isStarted) return;
        const Mode = { Replicated: { Replicas: 1 } };
        try {
          const change = { ...service.Spec, Mode, version: service.Version.Index };
          return void (await within(answerMs, manager.getService(service.ID).update(change)));
        } catch (error) {
          // Somebody else was quicker.
          if (!/out of sequence/.test(String(error)) && statusOf(error) !== 404)
            throw toSwarmError(error, 'unreachable');
        }
      }
    },

    /** All of ours on this node. */
    async list(clusterId?: string): Promise<FoundService[]> {
      const label = [`${labels.installation}=${installation}`];
      if (clusterId !== undefined) label.push(`${labels.cluster}=${clusterId}`);
      try {
        const found: unknown[] = await within(answerMs, manager.listServices({ filters: { label } }));
        return found.map((one) => toFound(one as EngineService)).filter(isHere);
      } catch (error) {
        throw toSwarmError(error, 'unreachable');
      }
    },

    /** Its one task. Where the swarm has made another, against what it was told, the first counts. Null where there is none yet. */
    async taskOf(serviceId: string): Promise<Task | null> {
      return (await tasksOf({ service: [serviceId] }))[0] ?? null;
    },

    /** By service. */
    async tasksOfAll(serviceIds: readonly string[]): Promise<Map<string, Task>> {
      if (serviceIds.length === 0) return new Map();
      const tasks = await tasksOf({ service: [...serviceIds] });
      return new Map(tasks.toReversed().map((task) => [task.ServiceID, task]));
    },

    async remove(id: string): Promise<void> {
      try {
        await within(answerMs, manager.getService(id).remove());
      } catch (error) {
        if (statusOf(error) !== 404) throw toSwarmError(error, 'unreachable');
      }
    },
  };
}
