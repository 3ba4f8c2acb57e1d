import type { FastifyRequest } from 'fastify';
import type { Api } from './context.ts';
import { ApiError } from './errors.ts';

/**
 * A handler for what no route matches: tells a route that does not exist (404) from one that exists with other methods
 * (405, which names them). To be called before any route is added.
 */
export function unknownRouteHandler(api: Api): (request: FastifyRequest) => never {
  const known = new Map<string, { pattern: RegExp; methods: Set<string> }>();
  api.addHook('onRoute', ({ url, method }) => {
    const route = known.get(url) ?? { pattern: patternOf(url), methods: new Set() };
    for (const name of [method].flat()) route.methods.add(name);
    known.set(url, route);
  });
  return (request) => {
    const path = request.url.split('?', 1)[0] ?? '';
    const routes = [...known.values()].filter(({ pattern }) => pattern.test(path));
    if (routes.length === 0) throw new ApiError('unknown_route');
    const methods = new Set(routes.flatMap((route) => [...route.methods]));
    throw new ApiError('method_not_allowed', `This route does not take ${request.method}.`, {
      headers: { allow: [...methods].toSorted().join(', ') },
    });
  };
}

/** `/clusters/:id` as a pattern. A wildcard of static files matches anything, and says nothing about methods. */
function patternOf(url: string): RegExp {
  const escaped = url.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${escaped.replace(/:[A-Za-z_]+/g, '[^/]+')}/?$`);
}
