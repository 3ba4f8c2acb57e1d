import type { AllowedHostPath } from './tables.ts';

export type HostPathVerdict =
  /** `within`: the outermost allowed directory that it lies in. */
  { kind: 'allowed'; within: string } | { kind: 'read_only' } | { kind: 'denied' };

/** Whether a normalised path is a directory, or lies below it. */
export function liesIn(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`);
}

/**
 * Whether a cluster allows a host path: the longest entry that it lies in decides whether it may be written to; the shortest is
 * what links may lead to, since a container that may write there could have made them.
 */
export function allowedMount(
  allowed: readonly AllowedHostPath[],
  used: { readonly host_path: string; readonly read_only: boolean },
): HostPathVerdict {
  const around = allowed
    .filter(({ path }) => liesIn(used.host_path, path))
    .toSorted((a, b) => a.path.length - b.path.length);
  const outermost = around[0];
  const nearest = around.at(-1);
  if (outermost === undefined || nearest === undefined) return { kind: 'denied' };
  if (nearest.read_only && !used.read_only) return { kind: 'read_only' };
  return { kind: 'allowed', within: outermost.path };
}
