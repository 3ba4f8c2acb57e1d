/**
 * Every error that the API answers with: its code (stable, for programs), the status, a title, and what to do next.
 *
 * docs/errors.md is made from this list, and a test compares the two.
 */
interface CatalogueEntry {
  readonly status: number;
  readonly title: string;
  /** What the reader does next: the last sentence of `detail`, and the advice in docs/errors.md. */
  readonly next: string;
  /** Seconds for `Retry-After`, where trying again by itself is the remedy. */
  readonly retryAfterS?: number;
}

export const catalogue = {
  // 400: malformed
  validation_failed: {
    status: 400,
    title: 'The request is not valid',
    next: 'Correct the fields listed in `errors` and send it again.',
  },
  repeated_id: {
    status: 400,
    title: 'The id is in the list already',
    next: 'Name each id once; what became of it is told where it stands first.',
  },
  malformed_json: {
    status: 400,
    title: 'The body is not valid JSON',
    next: 'Send one JSON document, UTF-8, without keys like `__proto__`.',
  },
  malformed_request: {
    status: 400,
    title: 'The request could not be read',
    next: 'Check the URL, the headers and the Content-Length.',
  },

  // 401, 403: who asks
  unauthenticated: {
    status: 401,
    title: 'Not signed in',
    next: 'Sign in with POST /api/v1/auth/sign-in, or send an API token as `Authorization: Bearer …`.',
  },
  wrong_credentials: {
    status: 401,
    title: 'Wrong username or password',
    next: 'Check both, and sign in again.',
  },
  wrong_password: {
    status: 403,
    title: 'The current password is wrong',
    next: 'Send the present password as `current_password`.',
  },
  role_too_low: {
    status: 403,
    title: 'Your role does not allow this',
    next: 'Ask an owner or admin of the organization.',
  },
  no_organization: {
    status: 403,
    title: 'No organization in use',
    next: 'Create one with POST /api/v1/organizations, accept an invite, or choose one with PATCH /api/v1/me.',
  },
  session_required: {
    status: 403,
    title: 'An API token cannot do this',
    next: 'Sign in with username and password, and use the session.',
  },
  operator_only: {
    status: 403,
    title: 'Only for the operator of this installation',
    next: 'Use an account that runs this installation, or an API token of one.',
  },
  cross_site: {
    status: 403,
    title: 'The request comes from another site',
    next: 'Send it from the dashboard itself, or with `Authorization: Bearer …` instead of the cookie.',
  },
  registration_closed: {
    status: 403,
    title: 'Registration needs an invite',
    next: 'Ask an owner or admin for an invite, and send its code as `invite`.',
  },

  // 404, 405: what is asked for
  not_found: {
    status: 404,
    title: 'Not found',
    next: 'Check the id, and that the organization in use is the right one.',
  },
  unknown_route: {
    status: 404,
    title: 'No such route',
    next: 'See /api/docs for those there are.',
  },
  unknown_invite: {
    status: 404,
    title: 'The invite is unknown, expired or used up',
    next: 'Ask for a new one.',
  },
  method_not_allowed: {
    status: 405,
    title: 'The route does not take this method',
    next: 'Use one of those in the `Allow` header.',
  },

  // 409, 412: the present state
  conflict: {
    status: 409,
    title: 'Conflicts with the present state',
    next: 'Read the present state, and decide again.',
  },
  username_taken: {
    status: 409,
    title: 'The username is taken',
    next: 'Choose another one.',
  },
  email_taken: {
    status: 409,
    title: 'The e-mail address is taken',
    next: 'Sign in with the account that has it, or use another address.',
  },
  name_taken: {
    status: 409,
    title: 'The name is taken',
    next: 'Choose another name.',
  },
  already_member: {
    status: 409,
    title: 'Already a member',
    next: 'Nothing needs to be done; the invite was not used.',
  },
  last_owner: {
    status: 409,
    title: 'The last owner must stay',
    next: 'Make another member an owner first.',
  },
  illegal_transition: {
    status: 409,
    title: 'The status does not allow this',
    next: 'Read the present status, and decide again.',
  },
  cluster_in_use: {
    status: 409,
    title: 'The cluster is in use',
    next: 'Stop what is queued or active, or repeat with `force=true`.',
  },
  secret_in_use: {
    status: 409,
    title: 'The secret is in use',
    next: 'Wait until they are over or stop them, or repeat with `force=true`: their next start then fails.',
  },
  volume_in_use: {
    status: 409,
    title: 'The volume is in use',
    next: 'Wait until they are over, or stop them.',
  },
  cluster_has_volumes: {
    status: 409,
    title: 'The cluster has volumes',
    next: 'Delete its volumes first, with what they hold.',
  },
  cluster_deleting: {
    status: 409,
    title: 'The cluster is being deleted',
    next: 'Use another cluster.',
  },
  node_in_use: {
    status: 409,
    title: 'The node is in use',
    next: 'Set `schedulable` to false, and wait until nothing runs there or stop it.',
  },
  engine_in_use: {
    status: 409,
    title: 'The engine is in use',
    next: 'Delete the nodes and the volumes that are on it first.',
  },
  node_of_swarm: {
    status: 409,
    title: 'It comes and goes with its swarm',
    next: 'Drain it, here or in the swarm; to take it away for good, take it out of the swarm.',
  },
  last_node: {
    status: 409,
    title: 'A cluster keeps at least one node',
    next: 'Add another node first, or delete the cluster.',
  },
  has_dependents: {
    status: 409,
    title: 'Other deployments wait for it',
    next: 'Wait until it has ended, cancel those, or repeat with `force=true`: they are skipped then.',
  },
  schedule_not_run: {
    status: 409,
    title: 'The schedule could not be run',
    next: 'Wait for what it submitted before, or change the schedule.',
  },
  not_running: {
    status: 409,
    title: 'The replica does not run',
    next: 'Wait until it runs; what has ended is in its log.',
  },
  idempotency_conflict: {
    status: 409,
    title: 'The idempotency key was used for another request',
    next: 'Use a new `Idempotency-Key` for a new request.',
  },
  apply_conflict: {
    status: 409,
    title: 'What is declared conflicts with what runs',
    next: 'Nothing was applied. Repeat with `replace: true` (`hv apply --replace`) to stop what is in the way, or bring a service to it with `hv update`.',
  },
  too_many_webhooks: {
    status: 409,
    title: 'The organization has as many webhooks as it may have',
    next: 'Delete one that is not needed, or change one that is there.',
  },
  webhook_disabled: {
    status: 409,
    title: 'The webhook is disabled',
    next: 'Enable it first, with PATCH and `enabled: true`.',
  },
  version_mismatch: {
    status: 412,
    title: 'It was changed meanwhile',
    next: 'Read it again, and send its present version as `If-Match`.',
  },

  // 413, 415
  body_too_large: {
    status: 413,
    title: 'The body is too large',
    next: 'Send less in one request.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'The body is of another kind than the route takes',
    next: 'Send JSON with `Content-Type: application/json`; for files, a tar stream with `application/x-tar`.',
  },

  // 422: understood but impossible
  unusable: {
    status: 422,
    title: 'What was sent can not be used',
    next: 'Send a tar stream, not compressed, for a directory that exists.',
  },
  never_fits: {
    status: 422,
    title: 'More than the cluster could ever give',
    next: 'Ask for less, or use a cluster with larger nodes.',
  },
  volumes_apart: {
    status: 422,
    title: 'Its volumes are on different engines',
    next: 'Use volumes of one engine: `GET /volumes` says where each is.',
  },

  unknown_name: {
    status: 422,
    title: 'Something that it refers to is not there',
    next: 'Correct the name, or create it first.',
  },
  host_path_denied: {
    status: 422,
    title: 'The cluster does not allow this host path',
    next: 'Use a named volume, or ask an admin of the cluster to allow the directory.',
  },
  engine_needed: {
    status: 422,
    title: 'The cluster is on other engines, or on several',
    next: 'Say with `engine` which of those named is to have the data.',
  },
  engine_unreachable: {
    status: 422,
    title: 'The engine could not be reached',
    next: 'Check its address and credentials, and that it is reached from where Hypervisor runs; then send it again.',
  },
  not_a_service: {
    status: 422,
    title: 'Only a service is updated',
    next: 'Submit a new job, with what is to be different.',
  },

  // 426, 429 and above
  upgrade_required: {
    status: 426,
    title: 'The route speaks WebSocket',
    next: 'Ask for an upgrade to a WebSocket: docs/seeing-in.md says what goes through it.',
  },
  too_many_sessions: {
    status: 429,
    title: 'Too many sessions at once',
    next: 'End one of them first.',
  },
  too_many_requests: {
    status: 429,
    title: 'Too many requests',
    next: 'Wait for the seconds in `Retry-After`.',
  },
  internal_error: {
    status: 500,
    title: 'Something went wrong in Hypervisor',
    next: 'Tell the operator the `request_id`: the log of the server has the cause.',
  },
  store_unavailable: {
    status: 503,
    title: 'The database cannot be reached',
    next: 'Nothing was changed; try again in a few seconds.',
    retryAfterS: 2,
  },
  store_busy: {
    status: 503,
    title: 'Too many changes at once',
    next: 'Nothing was changed; try again.',
    retryAfterS: 1,
  },
  runtime_unreachable: {
    status: 503,
    title: 'The container runtime cannot be reached',
    next: 'Try again once the cluster is reachable.',
    retryAfterS: 5,
  },
  scheduler_unavailable: {
    status: 503,
    title: 'No scheduler answers',
    next: 'Try again; if it stays so, tell the operator: a process with the role scheduler must run.',
    retryAfterS: 5,
  },
  dashboard_unavailable: {
    status: 503,
    title: 'The dashboard is not there',
    next: 'Tell the operator: the log of the server has the cause. The API and the command line work without it.',
    retryAfterS: 10,
  },
  shutting_down: {
    status: 503,
    title: 'Hypervisor is shutting down',
    next: 'Try again in a few seconds.',
    retryAfterS: 5,
  },
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof catalogue;

export function entryOf(code: ErrorCode): CatalogueEntry {
  return catalogue[code];
}
