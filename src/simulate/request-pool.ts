import type { Request } from '../core/model.ts';

/** Most requests of a trace are alike: each is kept once, so that the planner sees at a glance that they are. */
export class RequestPool {
  readonly #known = new Map<string, Request>();

  of(request: Request): Request {
    const key = JSON.stringify(request);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    this.#known.set(key, request);
    return request;
  }
}
