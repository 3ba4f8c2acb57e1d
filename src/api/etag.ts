/** Optimistic locking over HTTP: `ETag` says the version that was answered, `If-Match` the one that a change is meant for. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiError, invalidField } from './errors.ts';

export function setEtag(reply: FastifyReply, version: number): void {
  reply.header('etag', `"${version}"`);
}

/** The version that the client read; undefined where it does not care (no `If-Match`, or `*`). */
export function expectedVersion(request: FastifyRequest): number | undefined {
  const header = request.headers['if-match'];
  if (header === undefined || header.trim() === '*') return undefined;
  const version = /^\s*"(\d{1,9})"\s*$/.exec(header)?.[1];
  if (version === undefined) throw invalidField('if-match', 'must be an ETag as it was answered, like "3"');
  return Number(version);
}

/** What to throw where a change found another version than the one that was expected. */
export function versionMismatch(expected: number): ApiError {
  return new ApiError('version_mismatch', `Its version is no longer ${expected}.`);
}
