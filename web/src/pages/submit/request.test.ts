import { expect, test } from 'vitest';
import { readDraft } from './draft.ts';
import { problemOfField, requestOf } from './request.ts';

const good = 'docker_image: busybox\nram_required: 1\ncpu_required: 1\n';
const one = [{ id: 'id-a', name: 'a' }];
const two = [...one, { id: 'id-b', name: 'b' }];

test('clusters are named, or by their ids where they are too many to be listed; the only one need not be', () => {
  expect(requestOf(readDraft(`${good}cluster: b\n`), two).deployments).toMatchObject([{ cluster_id: 'id-b' }]);
  const unlisted = '01a21a85-683c-702a-b482-4ae01140fb99';
  expect(requestOf(readDraft(`${good}cluster: ${unlisted}\n`), two).deployments).toMatchObject([
    { cluster_id: unlisted },
  ]);
  expect(requestOf(readDraft(good), one).deployments).toMatchObject([{ cluster_id: 'id-a' }]);
  expect(requestOf(readDraft(good), two).problems).toMatchObject([{ path: ['cluster'], isMissing: true }]);
  expect(requestOf(readDraft(`${good}cluster: c\n`), two).problems).toMatchObject([
    { path: ['cluster'], message: 'must be one of a, b' },
  ]);
});

test('nothing is sent while one of them is wrong, nor what is for others', () => {
  expect(requestOf(readDraft(`${good}---\nname: b\n`), one).deployments).toEqual([]);
  expect(requestOf(readDraft(`${good}x-team: blue\n`), one).deployments[0]).not.toHaveProperty('x-team');
});

test('what the server finds has its place', () => {
  const message = 'is unknown';
  expect(problemOfField({ field: 'deployments.1.secrets.0.name', message })).toMatchObject({
    document: 1,
    path: ['secrets', 0, 'name'],
  });
  expect(problemOfField({ field: 'cluster_id', message })).toMatchObject({ document: 0, path: ['cluster'] });
});
