/** What browsers are told about every answer. Always the same, and so made once: a middleware that makes them for each costs a tenth of a submission. */
import type { Api } from './context.ts';

const contentSecurityPolicy = [
  "default-src 'self'",
  "base-uri 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "img-src 'self' data:",
  "object-src 'none'",
  "script-src 'self'",
  // The component libraries of the dashboard and of the API page set styles on elements.
  "style-src 'self' 'unsafe-inline'",
].join(';');

const headers: Readonly<Record<string, string>> = {
  'content-security-policy': contentSecurityPolicy,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'origin-agent-cluster': '?1',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-dns-prefetch-control': 'off',
  'x-frame-options': 'DENY',
  'x-permitted-cross-domain-policies': 'none',
};

/** `https`: the service is reached by HTTPS only, and browsers are to remember that. */
export function addSecurityHeaders(api: Api, https: boolean): void {
  const all = https ? { ...headers, 'strict-transport-security': 'max-age=31536000; includeSubDomains' } : headers;
  api.addHook('onRequest', (_request, reply, done) => {
    reply.headers(all);
    done();
  });
}
