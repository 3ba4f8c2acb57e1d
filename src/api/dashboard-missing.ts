/** What somebody sees in a browser while the dashboard can't be served: a page that needs no file. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiError } from './errors.ts';

/** Where the files are, and why they can't be made, is for the log: who opens the page may be anybody. */
export function dashboardMissing(request: FastifyRequest, error: unknown): ApiError {
  request.log.error({ err: error }, 'the dashboard can not be served');
  return new ApiError('dashboard_unavailable', 'The pages of the dashboard could not be made on the server.');
}

export function sendMissingPage(request: FastifyRequest, reply: FastifyReply, error: ApiError): FastifyReply {
  const { title, detail } = error.toProblem(request.id);
  // The words are our own, and the id of a request has letters and digits only: none of it can be markup.
  const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Hypervisor</title>
<style>
:root { color-scheme: light dark; font-family: system-ui, sans-serif; line-height: 1.5; }
main { max-width: 34rem; margin: 20vh auto; padding: 0 1rem; }
</style>
</head>
<body>
<main>
<h1>${title}</h1>
<p>${detail}</p>
<p>The API is described at <a href="/api/docs">/api/docs</a>. Request ${request.id}.</p>
</main>
</body>
</html>
`;
  return reply
    .code(error.statusCode)
    .headers(error.headers)
    .header('cache-control', 'no-store')
    .type('text/html; charset=utf-8')
    .send(page);
}
