/** The dashboard's files, and its page at every address that is none of the API's. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { sessionCookie } from './auth-cookie.ts';
import type { Api } from './context.ts';
import { dashboardMissing, sendMissingPage } from './dashboard-missing.ts';
import { ApiError } from './errors.ts';

/** Their names change with what they hold. */
const assetsAgeSeconds = 365 * 24 * 3600;

/** Gives the folder that the files are in; throws where they can't be made. */
export type DashboardFiles = () => Promise<string>;

/** Adds the files, and the page at `/`. */
export function serveDashboard(api: Api, files: DashboardFiles): void {
  api.register((scope, _options, done) => {
    // The root is given with each file: it may not be there yet.
    scope.register(fastifyStatic, { root: '/', serve: false, preCompressed: true, cacheControl: false });
    scope.get('/assets/*', { schema: { hide: true } }, async (request, reply) => {
      const name = (request.params as { '*': string })['*'];
      const folder = await folderOf(request, files);
      reply.header('cache-control', `public, max-age=${assetsAgeSeconds}, immutable`);
      return reply.sendFile(`assets/${name}`, folder);
    });
    scope.get('/favicon.svg', { schema: { hide: true } }, async (request, reply) => {
      const folder = await folderOf(request, files);
      reply.header('cache-control', 'public, max-age=3600');
      return reply.sendFile('favicon.svg', folder);
    });
    scope.get('/', { schema: { hide: true } }, (request, reply) => sendPage(request, reply, files));
    done();
  });
}

/** Whether somebody opens an address of the dashboard in a browser: which page that is, the dashboard itself knows. */
export function opensPage(request: FastifyRequest): boolean {
  const path = request.url.split('?', 1)[0] ?? '';
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  const isOurs = path !== '/api' && !path.startsWith('/api/') && !path.startsWith('/assets/');
  return isRead && isOurs && readsPages(request);
}

const readsPages = (request: FastifyRequest): boolean => (request.headers.accept ?? '').includes('text/html');

/**
 * Who has no session is told so with the page: to ask, only to be refused, would be an error in the console of everybody who opens the
 * dashboard for the first time.
 */
export async function sendPage(
  request: FastifyRequest,
  reply: FastifyReply,
  files: DashboardFiles,
): Promise<FastifyReply> {
  let text: string;
  try {
    text = await readFile(join(await folderOf(request, files), 'index.html'), 'utf8');
  } catch (error) {
    if (!(error instanceof ApiError) || !readsPages(request)) throw error;
    return sendMissingPage(request, reply, error);
  }
  const page = request.cookies[sessionCookie] === undefined ? text.replace('<html', '<html data-session="none"') : text;
  // It names the files of this version: the next one is to be seen at once.
  return reply.header('cache-control', 'no-cache').type('text/html; charset=utf-8').send(page);
}

async function folderOf(request: FastifyRequest, files: DashboardFiles): Promise<string> {
  try {
    return await files();
  } catch (error) {
    throw dashboardMissing(request, error);
  }
}
