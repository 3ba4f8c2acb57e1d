import type { z } from 'zod';
import { type ErrorCode, entryOf } from './error-catalogue.ts';
import type { Problem } from './schemas/common.ts';

export type { ErrorCode } from './error-catalogue.ts';

export interface FieldError {
  /** The dotted path on the wire: `ram`, `deployments.3.env.FOO`, `cursor`. */
  readonly field: string;
  /** Continues the sentence that begins with the field: "must be 0 or more GB". */
  readonly message: string;
}

interface ApiErrorOptions {
  readonly errors?: readonly FieldError[];
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * An error that the client is told about. Thrown anywhere below a route; the error handler of the server answers with it.
 *
 * `detail` says what was wrong, in one sentence; what to do next is added from the catalogue.
 */
export class ApiError extends Error {
  readonly code: ErrorCode;
  readonly statusCode: number;
  readonly errors: readonly FieldError[] | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ErrorCode, detail?: string, options: ApiErrorOptions = {}) {
    const entry = entryOf(code);
    super(detail ?? `${entry.title}.`);
    this.name = 'ApiError';
    this.code = code;
    this.statusCode = entry.status;
    this.errors = options.errors;
    this.headers =
      entry.retryAfterS === undefined
        ? (options.headers ?? {})
        : { 'retry-after': String(entry.retryAfterS), ...options.headers };
  }

  toProblem(requestId: string): z.infer<typeof Problem> {
    const entry = entryOf(this.code);
    return {
      type: `urn:hypervisor:error:${this.code}`,
      title: entry.title,
      status: entry.status,
      code: this.code,
      detail: `${this.message} ${entry.next}`,
      request_id: requestId,
      ...(this.errors !== undefined && { errors: [...this.errors] }),
    };
  }
}

/** 404, in the same words whether it does not exist or belongs to another organization. */
export function notFound(what: string): ApiError {
  return new ApiError('not_found', `There is no such ${what} in this organization.`);
}

/** 400 for what a schema cannot say: one field and what is wrong with it. */
export function invalidField(field: string, message: string): ApiError {
  return invalidFields([{ field, message }]);
}

export function invalidFields(errors: readonly FieldError[]): ApiError {
  const shown = errors.slice(0, 3).map(({ field, message }) => `\`${field}\` ${message}`);
  const more = errors.length > shown.length ? `, and ${errors.length - shown.length} more` : '';
  return new ApiError('validation_failed', `${shown.join(', ')}${more}.`, { errors });
}
