/** Somebody who submits, cancels, scales and stops, one thing after the other, and keeps at it until there is an answer. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Deployment } from '../conformance/client.ts';
import type { Findings } from './findings.ts';
import type { Asked, Promises } from './promises.ts';
import type { RetryingClient } from './retrying.ts';
import { draw, type Place } from './wishes.ts';

interface Given {
  readonly name: string;
  readonly client: RetryingClient;
  readonly places: readonly Place[];
  readonly promises: Promises;
  readonly findings: Findings;
  readonly random: () => number;
  /** Between two things that they do, on average. */
  readonly pauseMs: number;
  /** Too many wait already: nobody submits one more. */
  readonly isCrowded: () => boolean;
}

const servicesMax = 2;
const replicasMax = 3;
const refused = 409;
const outdated = 412;

export class Person {
  readonly #given: Given;
  readonly #mine: Asked[] = [];
  #isLeaving = false;
  #work: Promise<void> | null = null;

  constructor(given: Given) {
    this.#given = given;
  }

  begin(): void {
    this.#work = this.#keepAsking();
  }

  /** Resolves when they have the last of their answers. */
  async leave(): Promise<void> {
    this.#isLeaving = true;
    await this.#work;
  }

  /** Nothing runs on for ever. One that was told to stop too early goes on, too. */
  async endAll(): Promise<void> {
    for (const asked of this.#mine.filter(({ end, endedIn }) => end === 'never' && endedIn === null)) {
      await this.#end(asked, 'stop');
      if (asked.endedIn === null) await this.#end(asked, 'cancel');
    }
  }

  async #keepAsking(): Promise<void> {
    const { random, pauseMs } = this.#given;
    while (!this.#isLeaving) {
      await this.#doSomething(random());
      await sleep(pauseMs * 2 * random());
    }
  }

  async #doSomething(chance: number): Promise<void> {
    const services = this.#mine.filter(({ end, requested }) => end === 'never' && requested.size === 0);
    const service = services[Math.floor(this.#given.random() * services.length)];
    if (chance < 0.08 && services.length < servicesMax) return this.#submit('service');
    if (chance < 0.14 && service !== undefined) return this.#scale(service);
    if (chance < 0.17 && service !== undefined) return this.#end(service, 'stop');
    if (chance < 0.25) return this.#withdrawRecent(chance < 0.21 ? 'cancel' : 'stop');
    if (!this.#given.isCrowded()) return this.#submit('job');
  }

  async #submit(kind: 'job' | 'service'): Promise<void> {
    const { random, places, promises, client, name } = this.#given;
    const place = places[Math.floor(random() * places.length)]!;
    const { asked, body } = draw(random, place, `${name}-${this.#mine.length + 1}`, kind);
    promises.add(asked);
    const answer = await client.ask<Deployment>('POST', '/deployments', body, { 'idempotency-key': asked.name });
    if (answer.status >= 300) return this.#complain('POST /deployments', answer);
    asked.id = answer.body.id;
    this.#mine.push(asked);
    promises.acknowledged += 1;
  }

  async #withdrawRecent(verb: 'cancel' | 'stop'): Promise<void> {
    const recent = this.#mine.slice(-5).filter(({ kind }) => kind === 'job');
    const asked = recent[Math.floor(this.#given.random() * recent.length)];
    if (asked !== undefined) await this.#end(asked, verb);
  }

  async #end(asked: Asked, verb: 'cancel' | 'stop'): Promise<void> {
    const { client, promises } = this.#given;
    asked.requested.add(verb);
    const path = `/deployments/${asked.id}/${verb}`;
    const answer = await client.ask<Deployment>('POST', path);
    // It has ended, or is of a status that this verb is not for.
    if (answer.status === refused) return;
    if (answer.status >= 300) return this.#complain(`POST ${path}`, answer);
    asked.endedIn = answer.body.attempt;
    promises.acknowledged += 1;
  }

  /** By version: a request that was thought to be lost changes nothing when it arrives after a later one. */
  async #scale(asked: Asked): Promise<void> {
    const { client, promises, random } = this.#given;
    const replicas = 1 + Math.floor(random() * replicasMax);
    const path = `/deployments/${asked.id}`;
    for (;;) {
      const now = await client.ask<Deployment>('GET', path);
      if (now.status >= 300) return this.#complain(`GET ${path}`, now);
      if (now.body.replicas === replicas) break;
      // Whether a try that was refused has come through before, its replicas say.
      const answer = await client.ask<Deployment>(
        'POST',
        `${path}/update`,
        { replicas },
        { 'if-match': now.etag ?? '' },
      );
      if (answer.status === outdated) continue;
      // Not running yet, or not any more.
      if (answer.status === refused) return;
      if (answer.status >= 300) return this.#complain(`POST ${path}/update`, answer);
      break;
    }
    asked.replicas = replicas;
    promises.acknowledged += 1;
  }

  /** What was right was refused. */
  #complain(what: string, { status, body }: { status: number; body: unknown }): void {
    this.#given.findings.add('a bad answer', `${what} answered ${status}: ${JSON.stringify(body)}`);
  }
}
