/** Health checks on the command line: how they are given, and how they are shown. */
import type { Command } from 'commander';
import type { DeploymentCreate, DeploymentDetail } from '../sdk/index.ts';
import { CliError } from './errors.ts';
import { exitCodes } from './exit-codes.ts';
import { duration, parseDuration } from './format.ts';

export interface HealthOptions {
  readonly healthHttp?: string;
  readonly healthTcp?: number;
  readonly healthCmd?: string;
  readonly healthInterval?: string;
  readonly healthTimeout?: string;
  readonly healthRetries?: number;
  readonly healthStartPeriod?: string;
}

export function addHealthOptions(command: Command): void {
  command
    .option('--health-http <port[/path]>', 'well is what answers a GET with 200 to 399')
    .option('--health-tcp <port>', 'well is what accepts connections', Number)
    .option('--health-cmd <command>', 'well is where this command, given to sh, exits with 0')
    .option('--health-interval <duration>', 'from one check to the next; default 10s')
    .option('--health-timeout <duration>', 'in which a check must have an answer; default 5s')
    .option('--health-retries <count>', 'so many failures in a row make it unhealthy; default 3', Number)
    .option('--health-start-period <duration>', 'in which failures do not count; default 0s');
}

/** The check that the options ask for, as a part of a submission; which of them go together is for the API to say. */
export function healthCheckOf(given: HealthOptions): Pick<DeploymentCreate, 'health_check'> {
  const { healthHttp: http, healthTcp: tcp, healthCmd: cmd, healthRetries: retries } = given;
  const check = {
    ...(http === undefined ? {} : { http: parseHttp(http) }),
    ...(tcp === undefined ? {} : { tcp: { port: tcp } }),
    ...(cmd === undefined ? {} : { command: ['sh', '-c', cmd] }),
    ...(retries === undefined ? {} : { retries }),
    ...seconds('interval_s', given.healthInterval),
    ...seconds('timeout_s', given.healthTimeout),
    ...seconds('start_period_s', given.healthStartPeriod),
  };
  return Object.keys(check).length === 0 ? {} : { health_check: check };
}

function seconds<Name extends string>(name: Name, text: string | undefined): Partial<Record<Name, number>> {
  return text === undefined ? {} : ({ [name]: parseDuration(text) } as Partial<Record<Name, number>>);
}

function parseHttp(text: string): { port: number; path: string } {
  const match = /^(\d+)(\/.*)?$/.exec(text);
  if (match === null) throw new CliError(`--health-http "${text}" must be written 8080 or 8080/ready`, exitCodes.usage);
  return { port: Number(match[1]), path: match[2] ?? '/' };
}

/** "GET /ready on port 8080 every 10s"; null where there is none. */
export function healthCheckText({ health_check: check }: DeploymentDetail): string | null {
  if (check === null) return null;
  const { http, tcp, command } = check;
  const every = `every ${duration(check.interval_s * 1000)}`;
  if (http !== null) return `GET ${http.path} on port ${http.port} ${every}`;
  return tcp === null ? `${(command ?? []).join(' ')} ${every}` : `a connection to port ${tcp.port} ${every}`;
}
