/** What the conformance tests speak to the service with: plain HTTP, as any client would. */
import { randomUUID } from 'node:crypto';
import type { z } from 'zod';
import type * as clusters from '../../src/api/schemas/clusters.ts';
import type * as common from '../../src/api/schemas/common.ts';
import type * as deployments from '../../src/api/schemas/deployments.ts';
import type * as identity from '../../src/api/schemas/identity.ts';
import type * as scheduling from '../../src/api/schemas/scheduling.ts';

export type Problem = z.infer<typeof common.Problem>;
export type Amounts = z.infer<typeof common.Amounts>;
export type Role = z.infer<typeof common.Role>;
export type Cluster = z.infer<typeof clusters.Cluster>;
export type Node = z.infer<typeof clusters.Node>;
export type Deployment = z.infer<typeof deployments.Deployment>;
export type DeploymentDetail = z.infer<typeof deployments.DeploymentDetail>;
export type PassResult = z.infer<typeof scheduling.PassResult>;
export type QueueEntry = z.infer<typeof scheduling.QueueEntry>;
export type Event = z.infer<typeof scheduling.Event>;
export type Session = z.infer<typeof identity.Session>;
export type Me = z.infer<typeof identity.Me>;
export type Member = z.infer<typeof identity.Member>;
export type Organization = z.infer<typeof identity.Organization>;
export type InviteWithCode = z.infer<typeof identity.InviteWithCode>;
export type TokenWithSecret = z.infer<typeof identity.TokenWithSecret>;
export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
export type ClusterInput = z.input<typeof clusters.ClusterCreate>;
export type DeploymentInput = Partial<z.input<typeof deployments.DeploymentCreate>>;

export interface Answer<T> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

/** An answer that the test did not expect, with all that it said. */
class UnexpectedAnswer extends Error {
  constructor(method: string, path: string, answer: Answer<unknown>) {
    super(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  }
}

const prefix = '/api/v1';

export class Client {
  readonly url: string;
  readonly token: string | null;
  constructor(url: string, token: string | null = null) {
    this.url = url;
    this.token = token;
  }

  /** The raw response, of any route, with any body. */
  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.token !== null) headers.set('authorization', `Bearer ${this.token}`);
    return fetch(`${this.url}${path}`, { ...init, headers });
  }

  /** Whatever is answered, whether good or bad. */
  async ask<T>(
    method: Method,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer<T>> {
    const json: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    const response = await this.fetch(`${prefix}${path}`, {
      method,
      headers: { ...json, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: parseBody(response, text) as T };
  }

  /** The body of a good answer; anything else throws. */
  async call<T>(
    method: Method,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<T> {
    const answer = await this.ask<T>(method, path, body, headers);
    if (answer.status >= 300) throw new UnexpectedAnswer(method, path, answer);
    return answer.body;
  }

  /** The problem that is answered; anything but a problem with this status throws. */
  async refused(status: number, method: Method, path: string, body?: unknown): Promise<Problem> {
    const answer = await this.ask<Problem>(method, path, body);
    const type = answer.headers.get('content-type') ?? '';
    if (answer.status !== status || !type.startsWith('application/problem+json') || answer.body.status !== status) {
      throw new UnexpectedAnswer(`expected ${status}: ${method}`, path, answer);
    }
    return answer.body;
  }

  get<T>(path: string): Promise<T> {
    return this.call<T>('GET', path);
  }

  /** All items of a list, page by page. */
  async all<T>(path: string): Promise<T[]> {
    const items: T[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const separator = path.includes('?') ? '&' : '?';
      const query: string = cursor === '' ? '' : `${separator}cursor=${encodeURIComponent(cursor)}`;
      const page: Page<T> = await this.get<Page<T>>(`${path}${query}`);
      items.push(...page.items);
      cursor = page.next_cursor;
    }
    return items;
  }

  // What most tests do.

  me(): Promise<Me> {
    return this.get<Me>('/me');
  }

  async organizationId(): Promise<string> {
    const { organization } = await this.me();
    if (organization === null) throw new Error('no organization is in use');
    return organization.id;
  }

  /** A simulated cluster of one node, unless told otherwise. Aging and reservations are off, unless told otherwise. */
  createCluster(input: Partial<ClusterInput> = {}): Promise<Cluster> {
    const { policy, ...rest } = input;
    const size = rest.nodes === undefined && rest.engine === undefined ? { ram: 32, cpu: 8, gpu: 0 } : {};
    return this.call<Cluster>('POST', '/clusters', {
      name: unique('cluster'),
      runtime: 'simulated',
      ...size,
      ...rest,
      policy: { aging_interval_s: 0, reservation_after_s: 1_000_000, ...policy },
    });
  }

  cluster(id: string): Promise<Cluster> {
    return this.get<Cluster>(`/clusters/${id}`);
  }

  nodes(clusterId: string): Promise<Node[]> {
    return this.all<Node>(`/clusters/${clusterId}/nodes`);
  }

  submit(clusterId: string, input: DeploymentInput = {}): Promise<Deployment> {
    return this.call<Deployment>('POST', '/deployments', submission(clusterId, input));
  }

  async submitAll(clusterId: string, inputs: readonly DeploymentInput[]): Promise<Deployment[]> {
    const { deployments: made } = await this.call<{ deployments: Deployment[] }>('POST', '/deployments/batch', {
      deployments: inputs.map((input) => submission(clusterId, input)),
    });
    return made;
  }

  deployment(id: string): Promise<DeploymentDetail> {
    return this.get<DeploymentDetail>(`/deployments/${id}`);
  }

  stop(id: string): Promise<Deployment> {
    return this.call<Deployment>('POST', `/deployments/${id}/stop`);
  }

  cancel(id: string): Promise<Deployment> {
    return this.call<Deployment>('POST', `/deployments/${id}/cancel`);
  }

  schedule(clusterId: string): Promise<PassResult> {
    return this.call<PassResult>('POST', `/clusters/${clusterId}/schedule`);
  }

  /** Lets a cluster admit, or keeps what is submitted in the queue. */
  async setSchedulable(clusterId: string, schedulable: boolean): Promise<void> {
    for (const node of await this.nodes(clusterId)) {
      await this.call('PATCH', `/clusters/${clusterId}/nodes/${node.id}`, { schedulable });
    }
  }

  eventsOf(deploymentId: string): Promise<Event[]> {
    return this.all<Event>(`/deployments/${deploymentId}/events`);
  }

  /** Waits until a deployment has one of these statuses; fails at once if it ended otherwise. */
  async became(id: string, ...wanted: Deployment['status'][]): Promise<DeploymentDetail> {
    const done = new Set<Deployment['status']>(['succeeded', 'failed', 'cancelled', 'skipped']);
    return until(`deployment ${id} is ${wanted.join(' or ')}`, async () => {
      const deployment = await this.deployment(id);
      if (wanted.includes(deployment.status)) return deployment;
      if (done.has(deployment.status)) {
        throw new Error(`it is ${deployment.status} (${deployment.reason}), not ${wanted.join(' or ')}`);
      }
      return undefined;
    });
  }

  async statuses(deploymentIds: readonly string[]): Promise<string[]> {
    return Promise.all(deploymentIds.map(async (id) => (await this.deployment(id)).status));
  }
}

function parseBody(response: Response, text: string): unknown {
  if (!(response.headers.get('content-type') ?? '').includes('json')) return text;
  return (response.headers.get('content-type') ?? '').includes('ndjson') ? text : (JSON.parse(text) as unknown);
}

/** A service that runs until it is stopped, and needs little. */
export function submission(clusterId: string, input: DeploymentInput = {}): Record<string, unknown> {
  return {
    cluster_id: clusterId,
    kind: 'service',
    docker_image: 'simulated/job',
    ram_required: 1,
    cpu_required: 1,
    stop_grace_s: 1,
    ...input,
  };
}

export function unique(what: string): string {
  return `${what}-${randomUUID().slice(0, 13)}`;
}

export const password = 'a long enough password, really';

/** Registers somebody, who belongs to no organization yet. */
export async function register(url: string, extra: Record<string, unknown> = {}): Promise<Client> {
  const username = unique('user');
  const session = await new Client(url).call<Session>('POST', '/auth/register', {
    username,
    email: `${username}@example.com`,
    password,
    ...extra,
  });
  return new Client(url, session.token);
}

/** Registers the owner of a new organization, which is the one in use. */
export async function newOwner(url: string): Promise<Client> {
  const client = await register(url);
  const organization = await client.call<Organization>('POST', '/organizations', { name: unique('organization') });
  await client.call('PATCH', '/me', { organization_id: organization.id });
  return client;
}

export async function invite(owner: Client, body: Record<string, unknown> = {}): Promise<InviteWithCode> {
  return owner.call<InviteWithCode>('POST', `/organizations/${await owner.organizationId()}/invites`, body);
}

/** Registers somebody who joins the organization of `owner` with this role. */
export async function newMember(owner: Client, role: Role): Promise<Client> {
  const { code } = await invite(owner, { role });
  const client = await register(owner.url);
  const organization = await client.call<Organization>('POST', `/invites/${code}/accept`);
  await client.call('PATCH', '/me', { organization_id: organization.id });
  return client;
}

/**
 * Asks again and again until there is an answer that is neither undefined nor false. Errors of `check` end it at once.
 * The time limit only bounds how long a failing test takes.
 */
export async function until<T>(
  what: string,
  check: () => Promise<T | undefined | false>,
  options: { timeoutMs?: number; everyMs?: number } = {},
): Promise<T> {
  const { timeoutMs = 120_000, everyMs } = options;
  const deadline = Date.now() + timeoutMs;
  // What takes long is asked for less often: questions keep a small machine from getting there.
  for (let pauseMs = everyMs ?? 20; ; pauseMs = everyMs ?? Math.min(pauseMs * 1.3, 300)) {
    const found = await check();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

export function sumOf(amounts: readonly Amounts[]): Amounts {
  const total = { ram: 0, cpu: 0, gpu: 0 };
  for (const { ram, cpu, gpu } of amounts) {
    total.ram = thousandths(total.ram + ram);
    total.cpu = thousandths(total.cpu + cpu);
    total.gpu = thousandths(total.gpu + gpu);
  }
  return total;
}

function thousandths(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** For `toSorted`, which without it compares numbers as texts. */
export const ascending = (a: number, b: number) => a - b;
