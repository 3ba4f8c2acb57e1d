import type { ControlPlane } from '../control/control-plane.ts';
import type { VolumeRecord } from '../store/volumes.ts';

/** An engine walks through all that its volumes hold: not for every list anew. */
const rememberedMs = 15_000;

type Sizes = ReadonlyMap<string, number>;
type Place = Pick<VolumeRecord, 'runtime' | 'engine'>;

/**
 * Sizes by id of the volumes that are where this one is, as that engine tells them; none where it does not. An engine is asked about its
 * own volumes only: it could say anything about others.
 */
export function rememberVolumeSizes(control: ControlPlane): (place: Place) => Promise<Sizes> {
  const remembered = new Map<string, { readonly at: number; readonly sizes: Promise<Sizes> }>();
  return ({ runtime, engine }) => {
    const key = engine?.id ?? runtime;
    const before = remembered.get(key);
    if (before !== undefined && Date.now() - before.at < rememberedMs) return before.sizes;
    const sizes = control
      .runtimeOf(runtime, engine?.id ?? null)
      .volumeSizes()
      .catch((): Sizes => {
        // An engine that was busy or away for a moment is asked anew.
        if (remembered.get(key) === look) remembered.delete(key);
        return new Map();
      });
    const look = { at: Date.now(), sizes };
    remembered.set(key, look);
    return sizes;
  };
}
