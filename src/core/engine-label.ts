/**
 * The engine that has the data of volumes, as a label: who uses them asks for it, and nodes on it have it. No label that people give has
 * this name, since theirs have no spaces; it is shown to nobody.
 */
const prefix = 'volumes are on ';

/** Null: the installation's own. */
export function engineLabel(engineId: string | null): string {
  return `${prefix}${engineId ?? 'the own engine'}`;
}

export function isEngineLabel(name: string): boolean {
  return name.startsWith(prefix);
}
