/** Calls that the generated SDK gets with the next version of the API; replaced by its functions of the same names then. */
import { client } from '../../../src/sdk/client.gen.ts';
import type { Amounts, Pass, PassResult, PolicyUpdate, Status } from '../../../src/sdk/types.gen.ts';

type Answer<Data> = Promise<{ data?: Data; error?: unknown; response?: Response }>;
interface ById {
  readonly path: { readonly id: string };
  readonly signal?: AbortSignal;
}

export interface Overview {
  readonly deployments: {
    readonly queued: number;
    readonly starting: number;
    readonly running: number;
    readonly stopping: number;
  };
  readonly finished_24h: {
    readonly succeeded: number;
    readonly failed: number;
    readonly cancelled: number;
    readonly skipped: number;
  };
  readonly waits_24h: { readonly median_s: number | null; readonly p90_s: number | null; readonly count: number };
  readonly longest_waiting_s: number | null;
}

export interface Sample {
  readonly at: string;
  readonly total: Amounts;
  readonly allocated: Amounts;
  readonly used: Amounts;
  readonly queued: number;
  readonly running: number;
}

export interface TimelineRun {
  readonly deployment_id: string;
  readonly name: string;
  readonly status: Status;
  readonly attempt: number;
  readonly replica: number;
  readonly node_id: string | null;
  readonly node: string;
  readonly started_at: string;
  readonly ended_at: string | null;
  readonly expected_end_at: string | null;
}

export interface ClusterTimeline {
  readonly runs: readonly TimelineRun[];
  readonly reservations: readonly {
    readonly deployment_id: string;
    readonly name: string;
    readonly nodes: readonly string[];
    readonly starts_at: string | null;
    readonly position: number;
  }[];
  readonly truncated: boolean;
}

export interface PassDetail extends Pass {
  readonly admissions: readonly {
    readonly deployment_id: string;
    readonly name: string;
    readonly nodes: readonly string[];
    readonly priority: number;
    readonly effective_priority: number;
    readonly position: number;
    readonly promoted: boolean;
    readonly backfilled: boolean;
  }[];
  readonly waiting: readonly {
    readonly deployment_id: string;
    readonly name: string;
    readonly position: number;
    readonly priority: number;
    readonly effective_priority: number;
    readonly reason: string;
    readonly message: string;
  }[];
  readonly waiting_reasons: readonly { readonly reason: string; readonly count: number }[];
}

export interface BulkChange {
  readonly ids: readonly string[];
  readonly action: 'cancel' | 'stop' | 'retry' | 'delete' | 'set_priority';
  readonly priority?: number;
}

export interface BulkResult {
  readonly results: readonly {
    readonly id: string;
    readonly ok: boolean;
    readonly error: { readonly code: string; readonly detail: string } | null;
  }[];
}

export interface AccountSession {
  readonly id: string;
  readonly created_at: string;
  readonly last_used_at: string | null;
  readonly expires_at: string;
  readonly current: boolean;
  readonly user_agent: string | null;
}

export const getOverview = (options: { readonly signal?: AbortSignal }) =>
  client.get({ url: '/api/v1/overview', ...options }) as Answer<Overview>;

export const getClusterHistory = (
  options: ById & { readonly query: { readonly from?: string; readonly to?: string; readonly points?: number } },
) => client.get({ url: '/api/v1/clusters/{id}/history', ...options }) as Answer<{ items: Sample[] }>;

export const getTimeline = (options: ById & { readonly query: { readonly from: string; readonly to: string } }) =>
  client.get({ url: '/api/v1/clusters/{id}/timeline', ...options }) as Answer<ClusterTimeline>;

export const getPass = (options: ById) => client.get({ url: '/api/v1/passes/{id}', ...options }) as Answer<PassDetail>;

export const previewPolicy = (options: ById & { readonly body: PolicyUpdate }) =>
  client.post({
    url: '/api/v1/clusters/{id}/policy/preview',
    headers: { 'content-type': 'application/json' },
    ...options,
  }) as Answer<{
    current: PassResult;
    changed: PassResult;
  }>;

export const changeDeployments = (options: { readonly body: BulkChange }) =>
  client.post({
    url: '/api/v1/deployments/bulk',
    headers: { 'content-type': 'application/json' },
    ...options,
  }) as Answer<BulkResult>;

export const listSessions = (options: { readonly signal?: AbortSignal }) =>
  client.get({ url: '/api/v1/me/sessions', ...options }) as Answer<{ items: AccountSession[] }>;

export const endSession = (options: ById) =>
  client.delete({ url: '/api/v1/me/sessions/{id}', ...options }) as Answer<null>;
