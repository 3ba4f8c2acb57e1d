import { homedir } from 'node:os';
import { isAbsolute, join, normalize } from 'node:path';
import { type ProcessRole, processRoles } from './process-roles.ts';
import { defaultNetworkRange, parseBlock } from './runtimes/docker/subnets.ts';
import { addressRules } from './webhooks/addresses.ts';

/** What a control plane needs to know to start. Every setting has a default that is right on one machine. */
export interface Config {
  readonly dataDir: string;
  /** What this process does of all that there is to do. Anything but `all` takes a database that others share. */
  readonly role: ProcessRole;
  /** Null: the embedded PostgreSQL in the data directory. */
  readonly databaseUrl: string | null;
  /** Null: tasks go through PostgreSQL. */
  readonly redisUrl: string | null;
  /** Null: `DOCKER_HOST` and the usual sockets are tried. */
  readonly dockerHost: string | null;
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  /** Whether anybody who reaches the port may register, or only who has an invite. */
  readonly registration: 'open' | 'invite';
  /** Set the Secure flag on cookies: the service is reached by HTTPS only. */
  readonly secureCookies: boolean;
  /** How many sign-ins and registrations one address may try in a minute. */
  readonly signInsPerMinute: number;
  /** Bytes that one upload into a container may have. */
  readonly uploadBytesMax: number;
  /** Internal addresses that webhooks may reach all the same: addresses and ranges like 10.0.0.0/8. */
  readonly webhookAllow: readonly string[];
  readonly logLevel: string;
  /** Below these, clusters may allow directories of the machine; only the operator may allow others. */
  readonly hostPaths: readonly string[];
  /** Out of which private networks get their addresses. */
  readonly networkRange: string;
  /** Whether traces are sent to where OpenTelemetry's own variables say. */
  readonly traces: boolean;
}

export const defaultPort = 7420;

export const logLevels: readonly string[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

const loopback = new Set(['127.0.0.1', '::1', 'localhost']);

/** Data of root's installation is the machine's, anybody else's their own. */
function defaultDataDir(env: NodeJS.ProcessEnv = process.env): string {
  if (process.getuid?.() === 0) return '/var/lib/hypervisor';
  return join(env['XDG_DATA_HOME'] ?? join(homedir(), '.local', 'share'), 'hypervisor');
}

/** Fills in what was not said: first from the environment, then by default. An address that is empty there is none. */
export function makeConfig(given: Partial<Config> = {}, env: NodeJS.ProcessEnv = process.env): Config {
  const role = given.role ?? roleOf(env['HYPERVISOR_ROLE']);
  const databaseUrl = given.databaseUrl ?? (env['DATABASE_URL'] || null);
  if (role !== 'all' && databaseUrl === null) {
    throw new Error(
      `the role ${role} needs a PostgreSQL that other processes reach as well: name it in DATABASE_URL or with --database-url`,
    );
  }
  const host = given.host ?? env['HYPERVISOR_HOST'] ?? '127.0.0.1';
  return {
    dataDir: given.dataDir ?? env['HYPERVISOR_DATA_DIR'] ?? defaultDataDir(env),
    role,
    databaseUrl,
    redisUrl: given.redisUrl ?? (env['REDIS_URL'] || null),
    dockerHost: given.dockerHost ?? (env['DOCKER_HOST'] || null),
    host,
    port: portOf('the port', given.port) ?? portOf('HYPERVISOR_PORT', env['HYPERVISOR_PORT']) ?? defaultPort,
    // Whoever can reach a loopback port has an account on the machine; anybody else needs an invite.
    registration:
      given.registration ?? registrationOf(env['HYPERVISOR_REGISTRATION']) ?? (loopback.has(host) ? 'open' : 'invite'),
    secureCookies: given.secureCookies ?? env['HYPERVISOR_SECURE_COOKIES'] === 'true',
    signInsPerMinute:
      given.signInsPerMinute ??
      wholeNumber('HYPERVISOR_SIGN_INS_PER_MINUTE', env['HYPERVISOR_SIGN_INS_PER_MINUTE'], 1, 1_000_000) ??
      60,
    uploadBytesMax:
      given.uploadBytesMax ??
      wholeNumber('HYPERVISOR_UPLOAD_BYTES_MAX', env['HYPERVISOR_UPLOAD_BYTES_MAX'], 1, Number.MAX_SAFE_INTEGER) ??
      1024 ** 3,
    webhookAllow: given.webhookAllow ?? rangesOf('HYPERVISOR_WEBHOOK_ALLOW', env['HYPERVISOR_WEBHOOK_ALLOW']),
    logLevel: logLevelOf(given.logLevel ?? env['HYPERVISOR_LOG_LEVEL'] ?? 'info'),
    hostPaths: given.hostPaths ?? hostPathsOf(env['HYPERVISOR_HOST_PATHS']),
    networkRange: networkRangeOf(given.networkRange ?? env['HYPERVISOR_NETWORK_RANGE'] ?? defaultNetworkRange),
    traces: given.traces ?? tracesOf(env),
  };
}

/** Set by hand, as OpenTelemetry has it everywhere: an address, and nothing that says no. */
function tracesOf(env: NodeJS.ProcessEnv): boolean {
  const endpoint = env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] || env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  const isOff = env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true' || env['OTEL_TRACES_EXPORTER'] === 'none';
  return Boolean(endpoint) && !isOff;
}

function portOf(name: string, value: string | number | undefined): number | undefined {
  return wholeNumber(name, value, 0, 65_535);
}

function wholeNumber(name: string, value: string | number | undefined, min: number, max: number): number | undefined {
  if (value === undefined) return undefined;
  const number = value === '' ? Number.NaN : Number(value);
  if (Number.isInteger(number) && number >= min && number <= max) return number;
  throw new Error(`${name} is "${value}"; it must be a whole number from ${min} to ${max}`);
}

/** Separated by commas. */
function rangesOf(name: string, value: string | undefined): string[] {
  const ranges = (value ?? '').split(',').flatMap((part) => (part.trim() === '' ? [] : [part.trim()]));
  try {
    addressRules(ranges);
  } catch (error) {
    const what = 'addresses and ranges like 10.1.0.0/16, separated by commas';
    throw new Error(`${name} is "${value}"; it must be ${what}`, { cause: error });
  }
  return ranges;
}

function logLevelOf(value: string): string {
  if (logLevels.includes(value)) return value;
  throw new Error(`the log level is "${value}"; it must be one of ${logLevels.join(', ')}`);
}

function hostPathsOf(value: string | undefined): string[] {
  const paths = (value ?? '').split(':').filter((path) => path !== '');
  for (const path of paths) {
    if (isAbsolute(path) && normalize(path) === path && (path === '/' || !path.endsWith('/'))) continue;
    throw new Error(
      `HYPERVISOR_HOST_PATHS has "${path}"; it must be absolute paths like /srv/data, separated by colons`,
    );
  }
  return paths;
}

/** A /28 has 13 addresses for containers. */
const longestRange = 28;

function networkRangeOf(value: string): string {
  const length = Number(value.split('/')[1]);
  if (parseBlock(value) !== null && length >= 8 && length <= longestRange) return value;
  throw new Error(
    `HYPERVISOR_NETWORK_RANGE is "${value}"; it must be a block of addresses from /8 to /${longestRange} like ${defaultNetworkRange}`,
  );
}

function roleOf(value: string | undefined): ProcessRole {
  const role = processRoles.find((one) => one === (value ?? 'all'));
  if (role !== undefined) return role;
  throw new Error(`HYPERVISOR_ROLE is "${value}"; it must be one of ${processRoles.join(', ')}`);
}

function registrationOf(value: string | undefined): 'open' | 'invite' | undefined {
  if (value === undefined || value === 'open' || value === 'invite') return value;
  throw new Error(`HYPERVISOR_REGISTRATION is "${value}"; it must be "open" or "invite"`);
}
