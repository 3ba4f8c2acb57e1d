/** Certificates of a test's own, for engines on 127.0.0.1 or at other addresses and whoever speaks with it: made by openssl, good for a day. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Certificates {
  /** Paths, as dockerd takes them. */
  readonly server: { readonly ca: string; readonly cert: string; readonly key: string };
  /** PEM, as the API takes them. */
  readonly client: { readonly ca: string; readonly cert: string; readonly key: string };
}

export async function makeCertificates(
  dir: string,
  addresses: readonly string[] = ['127.0.0.1'],
): Promise<Certificates> {
  const alternatives = addresses.map((address) => `IP:${address}`).join(',');
  const path = (name: string) => join(dir, name);
  await openssl(
    'req',
    '-x509',
    ...newKey(path('ca-key.pem')),
    '-out',
    path('ca.pem'),
    '-days',
    '1',
    '-subj',
    '/CN=test CA',
  );
  for (const [name, extension] of [
    ['server', `subjectAltName=${alternatives}\nextendedKeyUsage=serverAuth\n`],
    ['client', 'extendedKeyUsage=clientAuth\n'],
  ] as const) {
    await writeFile(path(`${name}.ext`), extension);
    await openssl('req', ...newKey(path(`${name}-key.pem`)), '-out', path(`${name}.csr`), '-subj', `/CN=${name}`);
    const signer = ['-CA', path('ca.pem'), '-CAkey', path('ca-key.pem'), '-CAcreateserial'];
    const rest = ['-out', path(`${name}.pem`), '-days', '1', '-extfile', path(`${name}.ext`)];
    await openssl('x509', '-req', '-in', path(`${name}.csr`), ...signer, ...rest);
  }
  const read = (name: string) => readFile(path(name), 'utf8');
  return {
    server: { ca: path('ca.pem'), cert: path('server.pem'), key: path('server-key.pem') },
    client: { ca: await read('ca.pem'), cert: await read('client.pem'), key: await read('client-key.pem') },
  };
}

const newKey = (path: string) => ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', path];

async function openssl(...args: string[]): Promise<void> {
  await run('openssl', args);
}
