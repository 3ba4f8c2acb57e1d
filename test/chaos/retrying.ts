/** A client as people should have one: it asks another API where one does not answer, until there is an answer. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../conformance/client.ts';
import type { Findings } from './findings.ts';

export interface Answer<T> {
  /** Below 500. */
  readonly status: number;
  readonly etag: string | null;
  readonly body: T;
}

interface Problem {
  readonly code?: string;
}

const patienceMs = 5_000;
const pauseMs = 250;
const busy = 429;

export class RetryingClient {
  readonly #clients: readonly Client[];
  readonly #random: () => number;
  readonly #findings: Findings;

  constructor(urls: readonly string[], token: string, random: () => number, findings: Findings) {
    this.#clients = urls.map((url) => new Client(url, token));
    this.#random = random;
    this.#findings = findings;
  }

  async ask<T>(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> {
    for (let turn = Math.floor(this.#random() * this.#clients.length); ; turn += 1) {
      const client = this.#clients[turn % this.#clients.length]!;
      // Cut off, refused, or too late: what became of it, nobody knows.
      const answer = await askOnce<T & Problem>(client, method, path, body, headers).catch(() => null);
      if (answer !== null && answer.status < 500 && answer.status !== busy) return answer;
      if (answer?.status === 500)
        this.#findings.add('a bad answer', `${method} ${path} answered 500 ${answer.body.code}`);
      await sleep(pauseMs * (1 + this.#random()));
    }
  }
}

async function askOnce<T>(
  client: Client,
  method: string,
  path: string,
  body: unknown,
  headers: Record<string, string>,
): Promise<Answer<T>> {
  const response = await client.fetch(`/api/v1${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    signal: AbortSignal.timeout(patienceMs),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    etag: response.headers.get('etag'),
    body: (text === '' ? null : JSON.parse(text)) as T,
  };
}
