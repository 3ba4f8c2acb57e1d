import { registryOf } from '../runtimes/image-registry.ts';
import type { RegistryCredential } from '../runtimes/runtime.ts';
import type { Database } from '../store/database.ts';
import { registryCredentialFor } from '../store/registry-credentials.ts';
import type { Keyring } from '../store/secrets/keyring.ts';
import { batched } from './batched.ts';

/**
 * Finds what an organization pulls an image with; undefined where it has no credentials for that registry. Those who ask for the same in
 * one turn are answered by one look: of deployments that start together, most are of one organization and one registry.
 */
export function createPullCredentials(db: Database, keys: Keyring) {
  const look = batched(async (asked: readonly { readonly organizationId: string; readonly server: string }[]) => {
    const looks = new Map<string, Promise<RegistryCredential | undefined>>();
    const answers = asked.map(({ organizationId, server }) => {
      const name = `${organizationId}/${server}`;
      const under = looks.get(name) ?? read(organizationId, server);
      looks.set(name, under);
      // One that can't be decrypted fails its own start, and nobody else's.
      return under.catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))));
    });
    return Promise.all(answers);
  });

  async function read(organizationId: string, server: string): Promise<RegistryCredential | undefined> {
    const credential = await registryCredentialFor(db, { organizationId }, server, keys);
    return credential === null ? undefined : { server, ...credential };
  }

  return (organizationId: string, image: string) => look({ organizationId, server: registryOf(image) });
}
