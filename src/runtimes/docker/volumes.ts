import type Docker from 'dockerode';
import { RuntimeError, type VolumeKey } from '../runtime.ts';
import { within } from './deadline.ts';
import { statusOf, toRuntimeError } from './errors.ts';
import { labels, volumeLabels, volumeName } from './labels.ts';

/** The engine walks through all that its volumes hold: longer is not waited for. */
const sizesMs = 5_000;

interface Given {
  readonly docker: Docker;
  readonly answerMs: number;
  readonly installationId: string;
}

interface EngineVolume {
  readonly Name: string;
  readonly Labels: Readonly<Record<string, string>> | null;
  readonly UsageData?: { readonly Size: number } | null;
}

export interface NamedVolumes {
  /** Its name with the engine; made if it is not there. */
  ensure(key: VolumeKey): Promise<string>;
  sizes(): Promise<Map<string, number>>;
  remove(key: VolumeKey): Promise<void>;
}

/** Named volumes. One without our labels is never used and never removed, whatever its name. */
export function namedVolumes({ docker, answerMs, installationId }: Given): NamedVolumes {
  const isOurs = ({ Labels }: Pick<EngineVolume, 'Labels'>, key: VolumeKey) =>
    Object.entries(volumeLabels(installationId, key)).every(([name, value]) => Labels?.[name] === value);

  return {
    async ensure(key) {
      const name = volumeName(installationId, key);
      const wanted = { Name: name, Driver: 'local', Labels: volumeLabels(installationId, key) };
      // Where there is one of this name, the engine makes no other.
      await within(answerMs, docker.createVolume(wanted));
      if (isOurs(await within(answerMs, docker.getVolume(name).inspect()), key)) return name;
      throw new RuntimeError('start_failed', `the name ${name} is taken by a volume that is not ours`);
    },

    async sizes() {
      const { Volumes } = await within(sizesMs, usage(docker, sizesMs));
      const ours = (Volumes ?? []).filter((one) => one.Labels?.[labels.installation] === installationId);
      const sizes = new Map<string, number>();
      for (const { Labels, UsageData } of ours) {
        const id = Labels?.[labels.volume];
        // -1: not known.
        if (id !== undefined && UsageData != null && UsageData.Size >= 0) sizes.set(id, UsageData.Size);
      }
      return sizes;
    },

    async remove(key) {
      const volume = docker.getVolume(volumeName(installationId, key));
      try {
        if (isOurs(await within(answerMs, volume.inspect()), key)) await within(answerMs, volume.remove());
      } catch (error) {
        if (statusOf(error) === 404) return;
        if (statusOf(error) === 409) throw new RuntimeError('in_use', toRuntimeError(error, 'in_use').message);
        throw toRuntimeError(error, 'unreachable');
      }
    },
  };
}

/** What the engine's volumes hold. Engines before 23 look at images and containers as well: the client has no word for the type. */
function usage(docker: Docker, ms: number): Promise<{ Volumes: EngineVolume[] | null }> {
  const request = {
    path: '/system/df?',
    method: 'GET',
    options: { type: 'volume' },
    abortSignal: AbortSignal.timeout(ms),
    statusCodes: { 200: true, 500: 'server error' },
  };
  return new Promise((resolve, reject) => {
    docker.modem.dial(request, (error: unknown, answer: unknown) => {
      if (error == null) resolve(answer as { Volumes: EngineVolume[] | null });
      else reject(error instanceof Error ? error : new Error('the engine does not tell', { cause: error }));
    });
  });
}
