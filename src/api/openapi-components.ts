/**
 * The zod provider writes two components for every named schema, `X` for answers and `XInput` for requests, used or not.
 * Here those that nothing refers to go, and `XInput` becomes `X` where there is no other `X`: a generated SDK then has
 * `DeploymentCreate`, as the source does.
 */
const prefix = '#/components/schemas/';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export function tidyComponents<Document extends object>(document: Document): Document {
  const text = JSON.parse(JSON.stringify(document)) as { components: { schemas: Record<string, Json> } };
  const schemas = text.components.schemas;
  const { components, ...rest } = text;
  const used = reachable({ ...rest, components: { ...components, schemas: {} } }, schemas);
  const names = new Map([...used].map((name) => [name, plainName(name, used, schemas)]));
  const kept = Object.fromEntries(
    [...used].toSorted().map((name) => [names.get(name) ?? name, schemas[name] ?? null] as const),
  );
  return renamed({ ...text, components: { ...components, schemas: kept } }, names) as Document;
}

/** Names of the schemas that `root` refers to, by way of others too. */
function reachable(root: Json, schemas: Readonly<Record<string, Json>>): Set<string> {
  const found = new Set<string>();
  const open: Json[] = [root];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    for (const name of references(value)) {
      const schema = schemas[name];
      if (found.has(name) || schema === undefined) continue;
      found.add(name);
      open.push(schema);
    }
  }
  return found;
}

function references(value: Json): string[] {
  if (typeof value === 'string') return value.startsWith(prefix) ? [value.slice(prefix.length)] : [];
  if (value === null || typeof value !== 'object') return [];
  return Object.values(value).flatMap(references);
}

function plainName(name: string, used: ReadonlySet<string>, schemas: Readonly<Record<string, Json>>): string {
  if (!name.endsWith('Input')) return name;
  const plain = name.slice(0, -'Input'.length);
  const differs = used.has(plain) && JSON.stringify(schemas[plain]) !== JSON.stringify(schemas[name]);
  return differs ? name : plain;
}

function renamed(value: unknown, names: ReadonlyMap<string, string>): unknown {
  return JSON.parse(JSON.stringify(value), (_key, part: unknown) => {
    if (typeof part !== 'string' || !part.startsWith(prefix)) return part;
    const name = part.slice(prefix.length);
    return prefix + (names.get(name) ?? name);
  });
}
