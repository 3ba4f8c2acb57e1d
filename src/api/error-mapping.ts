/** From whatever was thrown below a route to the error that the client is told. */
import { NoScheduler } from '../control/remote-pass.ts';
import { isPlanRefused } from '../store/prepared.ts';
import { ApiError, type ErrorCode, type FieldError, invalidFields } from './errors.ts';

/** What the error handler knows of the request: enough to name the field that the database refused. */
interface RequestParts {
  readonly body?: unknown;
  readonly query?: unknown;
  readonly params?: unknown;
}

export function toApiError(error: unknown, request: RequestParts): ApiError {
  if (error instanceof ApiError) return error;
  if (isUnreachable(error)) return new ApiError('store_unavailable');
  if (error instanceof NoScheduler) return new ApiError('scheduler_unavailable');
  const code = codeOf(error);
  return fromFastify(code) ?? fromPostgres(code, error, request) ?? fromStatus(error) ?? new ApiError('internal_error');
}

const fastifyCodes: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_INVALID_JSON_BODY: 'malformed_json',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'malformed_json',
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'malformed_request',
  FST_ERR_BAD_URL: 'malformed_request',
  FST_ERR_MAX_PARAM_LENGTH: 'not_found',
};

function fromFastify(code: string): ApiError | undefined {
  const mapped = Object.hasOwn(fastifyCodes, code) ? fastifyCodes[code] : undefined;
  return mapped === undefined ? undefined : new ApiError(mapped);
}

/** What a unique index means to the person who ran into it. */
const takenBy: Readonly<Record<string, { code: ErrorCode; detail: string }>> = {
  user_username: { code: 'username_taken', detail: 'Somebody has this username already.' },
  user_email: { code: 'email_taken', detail: 'There is an account with this e-mail address already.' },
  organization_name: { code: 'name_taken', detail: 'An organization with this name exists already.' },
  cluster_name: { code: 'name_taken', detail: 'A cluster with this name exists in the organization already.' },
  engine_name: { code: 'name_taken', detail: 'An engine with this name exists in the organization already.' },
  cluster_of_swarm: {
    code: 'name_taken',
    detail: 'The swarm is a cluster already: two would each give away all of it.',
  },
  engine_address: { code: 'name_taken', detail: 'The organization has an engine with this address already.' },
  node_cluster_id_name_key: { code: 'name_taken', detail: 'A node with this name exists in the cluster already.' },
  schedule_name: { code: 'name_taken', detail: 'A schedule with this name exists in the organization already.' },
  membership_pkey: { code: 'already_member', detail: 'You are a member of this organization already.' },
  secret_name: { code: 'name_taken', detail: 'A secret with this name exists in the organization already.' },
  volume_name: { code: 'name_taken', detail: 'A volume with this name exists in the cluster already.' },
  registry_credential_organization_id_server_key: {
    code: 'name_taken',
    detail: 'There are credentials for this registry already; delete them first.',
  },
};

function fromPostgres(code: string, error: unknown, request: RequestParts): ApiError | undefined {
  switch (code) {
    case '23505': {
      const taken = takenBy[stringProperty(error, 'constraint')];
      return taken === undefined ? new ApiError('conflict') : new ApiError(taken.code, taken.detail);
    }
    case '23503':
      return new ApiError('conflict', 'Something that this refers to was removed meanwhile.');
    // A text with NUL: character_not_in_repertoire in a text, untranslatable_character in JSON.
    case '22021':
    case '22P05':
      return invalidFields(fieldsWithNul(request));
    // invalid_text_representation: an id that is none. Routes ask isUuid first; this is the net below them.
    case '22P02':
      return new ApiError('not_found');
    // serialization_failure, deadlock_detected, lock_not_available, query_canceled (by the time limit of statements)
    case '40001':
    case '40P01':
    case '55P03':
    case '57014':
      return new ApiError('store_busy');
    // feature_not_supported: ours to mend, but for what a migration beside us does to a transaction under way.
    case '0A000':
      return isPlanRefused(error) ? new ApiError('store_busy') : undefined;
    default:
      return undefined;
  }
}

/** Errors of libraries that carry a status of their own (http-errors and the like); never one of ours above 499. */
function fromStatus(error: unknown): ApiError | undefined {
  const status = typeof error === 'object' && error !== null && 'statusCode' in error ? Number(error.statusCode) : 500;
  if (status === 429) return new ApiError('too_many_requests', undefined, { headers: { 'retry-after': '1' } });
  if (status === 503) return new ApiError('shutting_down');
  return status >= 400 && status < 500 ? new ApiError('malformed_request') : undefined;
}

const connectionCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);
// What pg and its pool throw without a code.
const connectionMessages =
  /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Cannot use a pool after calling end)/;

/** Tells that the database could not be asked, from that it said no. */
function isUnreachable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = codeOf(error);
  return (
    connectionCodes.has(code) ||
    // Connection exceptions; shutdown, crash and start of the server; too many connections, a full disk, no memory; it may only
    // be read (a standby); an error of its system; no such database or login.
    /^(08|57P0|53|25006|58|28|3D)/.test(code) ||
    // It ends the connection, or cannot even begin one ("could not write init file", XX000, on a full disk).
    ['FATAL', 'PANIC'].includes(stringProperty(error, 'severity')) ||
    // A Unix socket that is not there.
    (code === 'ENOENT' && stringProperty(error, 'syscall') === 'connect') ||
    connectionMessages.test(error.message)
  );
}

function codeOf(error: unknown): string {
  return stringProperty(error, 'code');
}

function stringProperty(value: unknown, name: string): string {
  if (typeof value !== 'object' || value === null || !(name in value)) return '';
  const found: unknown = Reflect.get(value, name);
  return typeof found === 'string' ? found : '';
}

const nulMessage = 'must not contain NUL';

/** Which fields hold the NUL that the database refused. Asked only after it did, so that other requests do not pay for it. */
function fieldsWithNul(request: RequestParts): FieldError[] {
  const fields = [request.params, request.query, request.body].flatMap((part) => pathsWithNul(part, ''));
  return fields.length === 0
    ? [{ field: 'body', message: nulMessage }]
    : fields.map((field) => ({ field, message: nulMessage }));
}

function pathsWithNul(value: unknown, path: string): string[] {
  if (typeof value === 'string') return value.includes('\u0000') ? [path === '' ? 'body' : path] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) => {
    const childPath = path === '' ? key : `${path}.${key}`;
    return key.includes('\u0000') ? [childPath.replaceAll('\u0000', '')] : pathsWithNul(child, childPath);
  });
}
