/** What the server is given, and what it hands to every group of routes. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Registry } from 'prom-client';
import type { ControlPlane } from '../control/control-plane.ts';
import type { SecretKey } from '../secret-key.ts';
import type { Database } from '../store/database.ts';
import type { AddressRules } from '../webhooks/addresses.ts';
import type { PrincipalCache } from './auth-principals.ts';
import type { DashboardFiles } from './dashboard.ts';
import type { SeatLimits } from './seats.ts';

/** So many requests in so many seconds. */
export interface RateLimit {
  readonly max: number;
  readonly perSeconds: number;
}

export interface ServerConfig {
  /** Whether anybody may register, or only who holds an invite. */
  readonly registration: 'open' | 'invite';
  /** Set where people reach the server by HTTPS: cookies are `Secure` then, and browsers are told to stay with HTTPS. */
  readonly secureCookies: boolean;
  /** Attempts to sign in, for one username from one address; also for the current password at a change. */
  readonly signInLimit?: RateLimit;
  /** New accounts from one address. */
  readonly registerLimit?: RateLimit;
  /** Below these, clusters may allow directories of the machine; only the operator may allow others. Default none. */
  readonly hostPaths?: readonly string[];
  /** Days until a session ends; default 30. */
  readonly sessionDays?: number;
  /** Bytes that one upload into a container may have; default 1 GiB. */
  readonly uploadBytesMax?: number;
  /** Commands in containers at once, and connections to their ports. */
  readonly execSeats?: Partial<SeatLimits>;
  readonly connectionSeats?: Partial<SeatLimits>;
  /** Proxies whose X-Forwarded-* headers are believed; default none. */
  readonly trustProxy?: boolean | string | readonly string[];
}

export interface ServerDeps {
  readonly db: Database;
  readonly control: ControlPlane;
  readonly config: ServerConfig;
  /** Encrypts secrets, the passwords of registries and what signs for webhooks. */
  readonly secretKey: SecretKey;
  /** Default: there is no dashboard, only the API. */
  readonly dashboard?: DashboardFiles;
  /** Default: webhooks reach public addresses only. */
  readonly webhookRules?: AddressRules;
  readonly logger: FastifyBaseLogger;
  /** The metrics of this process; other parts add theirs to the same. Default: one of its own. */
  readonly registry?: Registry;
}

/** What routes get. */
export interface RouteDeps extends ServerDeps {
  readonly registry: Registry;
  /** Changes of memberships, sessions and tokens clear it, so that they hold at once. */
  readonly principals: PrincipalCache;
  /** Aborted when the server begins to close: streams end then. */
  readonly closing: AbortSignal;
}

/** The server, with schemas that give the types of requests and answers. */
export type Api = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** A group of routes below /api/v1. */
export type Routes = (api: Api, deps: RouteDeps) => void;
