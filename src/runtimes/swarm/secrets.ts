/** Files of a container, as secrets of the swarm: only the node that it runs on gets them, and keeps them in memory. */
import type Docker from 'dockerode';
import { within } from '../docker/deadline.ts';
import { statusOf } from '../docker/errors.ts';
import { labels } from '../docker/labels.ts';
import { type ContainerFile, RuntimeError } from '../runtime.ts';
import { secretName, swarmLabels } from './labels.ts';

/** The swarm refuses as much. */
const bytesMax = 500 * 1024;
/** One whose service is still to be made is no older. */
const orphanMs = 10 * 60_000;

export interface SecretReference {
  readonly SecretID: string;
  readonly SecretName: string;
  readonly File: { readonly Name: string; readonly UID: string; readonly GID: string; readonly Mode: number };
}

interface Given {
  readonly manager: Docker;
  readonly answerMs: number;
  readonly installation: string;
  readonly nodeId: string;
}

interface EngineSecret {
  readonly ID: string;
  readonly CreatedAt: string;
  readonly Spec: { readonly Name: string; readonly Labels: Readonly<Record<string, string>> };
}

export function fileSecrets({ manager, answerMs, installation, nodeId }: Given) {
  const find = (filter: string): Promise<EngineSecret[]> =>
    within(answerMs, manager.listSecrets({ filters: { label: [filter] } })) as Promise<EngineSecret[]>;

  async function removeById(id: string): Promise<void> {
    try {
      await within(answerMs, manager.getSecret(id).remove());
    } catch (error) {
      if (statusOf(error) !== 404) throw error;
    }
  }

  async function create(service: string, { path, content, mode }: ContainerFile): Promise<SecretReference> {
    if (content.length === 0)
      throw new RuntimeError('start_failed', `${path} is empty: a swarm hands over no such file`);
    if (content.length >= bytesMax) {
      throw new RuntimeError('start_failed', `${path} is too large: a swarm hands over files of less than 500 KiB`);
    }
    const name = secretName(service, path);
    const Labels = {
      [labels.installation]: installation,
      [swarmLabels.node]: nodeId,
      [swarmLabels.service]: service,
    };
    const { id } = (await within(
      answerMs,
      manager.createSecret({ Name: name, Labels, Data: content.toString('base64') }),
    )) as { id: string };
    return { SecretID: id, SecretName: name, File: { Name: path, UID: '0', GID: '0', Mode: mode } };
  }

  async function removeOf(service: string): Promise<void> {
    for (const { ID } of await find(`${swarmLabels.service}=${service}`)) await removeById(ID);
  }

  return {
    /** Of a service that is not there yet. What an earlier call made may hold something else by now: it is made anew. */
    async make(service: string, files: readonly ContainerFile[]): Promise<SecretReference[]> {
      if (files.length === 0) return [];
      await removeOf(service);
      return Promise.all(files.map((file) => create(service, file)));
    },

    removeOf,

    /** Those whose service was never made, or was removed by a process that died then. */
    async removeOrphans(services: ReadonlySet<string>): Promise<void> {
      for (const { ID, CreatedAt, Spec } of await find(`${swarmLabels.node}=${nodeId}`)) {
        const isOld = Date.now() - Date.parse(CreatedAt) > orphanMs;
        const service = Spec.Labels[swarmLabels.service] ?? '';
        if (Spec.Labels[labels.installation] === installation && isOld && !services.has(service)) await removeById(ID);
      }
    },
  };
}
