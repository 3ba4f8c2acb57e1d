/** Calls of the API, through the generated SDK: they answer with what was asked for, or throw an ApiProblem. */
import { client } from '../../../src/sdk/client.gen.ts';
import type { Problem } from '../../../src/sdk/types.gen.ts';

// The same server that served the page; the session is in a cookie that scripts can't read.
client.setConfig({ baseUrl: '', credentials: 'same-origin' });

/** What went wrong, in words for people. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';

  constructor(
    /** 0 where the server was not reached. */
    readonly status: number,
    readonly code: string,
    message: string,
    /** What is wrong with which field of the request. */
    readonly fields: readonly { readonly field: string; readonly message: string }[] = [],
    readonly requestId: string | null = null,
  ) {
    super(message);
  }
}

interface Settled<Data> {
  readonly data?: Data;
  readonly error?: unknown;
  readonly response?: Response;
}

/** Awaits a call of the SDK. Throws ApiProblem. */
export async function ask<Data>(call: Promise<Settled<Data>>): Promise<NonNullable<Data>> {
  const { data, error, response } = await call;
  if (response === undefined) throw notReached(error);
  if (!response.ok) throw problemOf(error, response);
  // 204 has no body, and nobody looks at it.
  return data as NonNullable<Data>;
}

function notReached(error: unknown): ApiProblem {
  if (error instanceof DOMException && error.name === 'AbortError')
    return new ApiProblem(0, 'aborted', 'It was called off.');
  return new ApiProblem(0, 'unreachable', 'The server does not answer. This page goes on by itself when it is back.');
}

export function problemOf(error: unknown, response: Response): ApiProblem {
  if (!isProblem(error)) {
    return new ApiProblem(
      response.status,
      'unknown',
      `The server answered with ${response.status} ${response.statusText}.`,
    );
  }
  return new ApiProblem(error.status, error.code, error.detail, error.errors ?? [], error.request_id);
}

function isProblem(value: unknown): value is Problem {
  return typeof value === 'object' && value !== null && 'code' in value && 'detail' in value;
}

/** What to say of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
