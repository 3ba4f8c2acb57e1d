import { afterAll, beforeAll, expect, it } from 'vitest';
import { serverWithoutDatabase } from './testing-server.ts';

/** What is answered where the dashboard can't be made. */
const { api, log } = serverWithoutDatabase('error', {
  dashboard: () => Promise.reject(new Error('no room in /srv/secret-place')),
});

beforeAll(async () => {
  await api.ready();
});
afterAll(() => api.close());

it.each(['/', '/deployments/some'])('a browser is told in a page of words: %s', async (url) => {
  const answer = await api.inject({ url, headers: { accept: 'text/html,*/*' } });
  expect(answer.statusCode).toBe(503);
  expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
  expect(answer.headers['retry-after']).toBe('10');
  expect(answer.body).toContain('<h1>The dashboard is not there</h1>');
  expect(answer.body).not.toContain('secret-place');
});

it.each(['/', '/assets/some.js', '/favicon.svg'])('all others in JSON: %s', async (url) => {
  const answer = await api.inject({ url, headers: { accept: '*/*' } });
  expect(answer.statusCode).toBe(503);
  expect(answer.json()).toMatchObject({ code: 'dashboard_unavailable' });
  expect(answer.headers['cache-control']).toBeUndefined();
  expect(answer.body).not.toContain('secret-place');
});

it('where it should be, and why it is not there, is for the log', () => {
  expect(log.join('')).toContain('no room in /srv/secret-place');
});
