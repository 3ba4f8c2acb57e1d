import { z } from 'zod';
import { id, resourceName, text, timestamp } from './common.ts';

const pem = (what: string) =>
  z
    .string()
    .min(1, { message: `must be ${what}` })
    .max(65_536)
    .refine((value) => !value.includes('\u0000'), { message: 'must not contain NUL' });

const Tls = z
  .strictObject({
    ca: pem('a certificate in PEM').describe('Who signed the certificate of the engine.'),
    cert: pem('a certificate in PEM').describe('What Hypervisor shows to the engine.'),
    key: pem('a private key in PEM').describe('Its private key.'),
  })
  .describe('For tcp://; in PEM. Goes in and never comes out.');

const Ssh = z
  .strictObject({
    key: pem('a private key as ssh-keygen writes it').describe('A private key without a passphrase.'),
    host_key: pem('the public key of the host').describe(
      'The public key of the host, as `ssh-keyscan` shows it: another one is not spoken with.',
    ),
  })
  .describe('For ssh://. Goes in and never comes out.');

export const EngineCreate = z.strictObject({
  name: resourceName,
  address: text(1, 512).describe(
    '`tcp://host:port` (TLS), `ssh://user@host:port`, or, for the operator, `unix:///path`.',
  ),
  tls: Tls.optional(),
  ssh: Ssh.optional(),
  kind: z
    .enum(['docker', 'swarm'])
    .default('docker')
    .describe('`swarm`: the address is that of a manager; its nodes are found by themselves.'),
  node_address: text(1, 512)
    .optional()
    .describe(
      'Of a swarm: where the engines of its nodes are, with `{addr}` or `{hostname}` for the node: `tcp://{addr}:2376`. Left out: as the manager’s, at the node’s own address. The credentials are the manager’s.',
    ),
});

export const EngineUpdate = z
  .strictObject({ name: resourceName.optional(), tls: Tls.optional(), ssh: Ssh.optional() })
  .refine((body) => Object.keys(body).length > 0, { message: 'names nothing to change' });

/** In what is on one. */
export const engineRef = z
  .object({ id, name: z.string(), address: z.string() })
  .nullable()
  .describe('Null: the installation’s own engine.');

export const Engine = z.object({
  id,
  name: z.string(),
  address: z.string(),
  reachable: z.boolean().nullable().describe('Null: nobody has looked yet.'),
  message: z.string().nullable().describe('Why it does not answer, in plain words.'),
  since: timestamp.describe('Since when it answers, or does not.'),
  ram: z.number().nullable().describe('What its machine has, in GB, as found.'),
  cpu: z.number().nullable().describe('What its machine has, in cores, as found.'),
  labels: z.record(z.string(), z.string()).describe('What it says about itself; a node on it has these labels too.'),
  nodes: z.number().int().describe('How many nodes are on it; of a swarm, on all of its engines.'),
  kind: z
    .enum(['docker', 'swarm', 'swarm_node'])
    .describe('An engine by itself, a swarm, or the engine of a node of one.'),
  swarm: z.object({ id, name: z.string() }).nullable().describe('The swarm that it is a node of.'),
  node_address: z.string().nullable().describe('Of a swarm: where the engines of its nodes are.'),
  availability: z
    .enum(['active', 'pause', 'drain'])
    .nullable()
    .describe('Of a node of a swarm: whether that places anything there.'),
  created_at: timestamp,
});
