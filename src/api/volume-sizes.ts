import type { ControlPlane } from '../control/control-plane.ts';
import type { RuntimeKind } from '../store/tables.ts';

/** An engine walks through all that its volumes hold: not for every list anew. */
const rememberedMs = 15_000;

type Sizes = ReadonlyMap<string, number>;

/** Sizes of volumes by id, as their engines tell them; none where one does not. */
export function rememberVolumeSizes(control: ControlPlane): (kind: RuntimeKind) => Promise<Sizes> {
  const remembered = new Map<RuntimeKind, { readonly at: number; readonly sizes: Promise<Sizes> }>();
  return (kind) => {
    const before = remembered.get(kind);
    if (before !== undefined && Date.now() - before.at < rememberedMs) return before.sizes;
    const sizes = control
      .runtimeOf(kind)
      .volumeSizes()
      .catch((): Sizes => new Map());
    remembered.set(kind, { at: Date.now(), sizes });
    return sizes;
  };
}
