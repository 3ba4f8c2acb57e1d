/** What the demo speaks to the control plane with: plain HTTP, as any client would. */
import type { z } from 'zod';
import type * as clusters from '../src/api/schemas/clusters.ts';
import type * as common from '../src/api/schemas/common.ts';
import type * as deployments from '../src/api/schemas/deployments.ts';
import type * as scheduling from '../src/api/schemas/scheduling.ts';

export type Problem = z.infer<typeof common.Problem>;
export type Cluster = z.infer<typeof clusters.Cluster>;
export type Deployment = z.infer<typeof deployments.Deployment>;
export type QueueEntry = z.infer<typeof scheduling.QueueEntry>;
export type Event = z.infer<typeof scheduling.Event>;
export interface Page<T> {
  readonly items: T[];
  readonly next_cursor: string | null;
}

/** The control plane said no. */
export class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
    this.name = 'Refused';
  }
}

export class Client {
  token: string | null = null;

  constructor(
    readonly url: string,
    private readonly signal: AbortSignal,
  ) {}

  get<T>(path: string): Promise<T> {
    return this.#send<T>('GET', path);
  }

  post<T>(path: string, body?: unknown): Promise<T> {
    return this.#send<T>('POST', path, body);
  }

  patch<T>(path: string, body: unknown): Promise<T> {
    return this.#send<T>('PATCH', path, body);
  }

  async #send<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.url}/api/v1${path}`, {
      method,
      signal: this.signal,
      headers: {
        ...(this.token === null ? {} : { authorization: `Bearer ${this.token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const answer: unknown = text === '' ? null : JSON.parse(text);
    if (!response.ok) throw new Refused(answer as Problem);
    return answer as T;
  }
}
