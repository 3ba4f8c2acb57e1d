/** What can be seen of the cluster from outside, read again and again through the API. */
import type { Client, Cluster, Deployment, Event, Page, QueueEntry } from './client.ts';

/** The cluster at one moment. */
export interface Sight {
  readonly cluster: Cluster;
  /** In the order of the scheduler. */
  readonly queue: readonly QueueEntry[];
  readonly deployments: ReadonlyMap<string, Deployment>;
  /** All since the beginning, in order. */
  readonly events: readonly Event[];
}

export class Observer {
  readonly #events: Event[] = [];

  constructor(
    private readonly client: Client,
    private readonly clusterId: string,
  ) {}

  async look(): Promise<Sight> {
    const [cluster, queue, deployments] = await Promise.all([
      this.client.get<Cluster>(`/clusters/${this.clusterId}`),
      this.client.get<Page<QueueEntry>>(`/clusters/${this.clusterId}/queue`),
      this.client.get<Page<Deployment>>(`/deployments?cluster_id=${this.clusterId}&sort=created_at`),
      this.#readEvents(),
    ]);
    return {
      cluster,
      queue: queue.items,
      deployments: new Map(deployments.items.map((one) => [one.name, one])),
      events: this.#events,
    };
  }

  async #readEvents(): Promise<void> {
    const last = this.#events.at(-1);
    const cursor = last === undefined ? '' : `&cursor=${last.id}`;
    const page = await this.client.get<Page<Event>>(`/events?cluster_id=${this.clusterId}${cursor}`);
    this.#events.push(...page.items);
  }
}

const ended = new Set<Deployment['status']>(['succeeded', 'failed', 'cancelled', 'skipped']);

export function hasEnded(deployment: Deployment | undefined): boolean {
  return deployment !== undefined && ended.has(deployment.status);
}
