/** The YAML that would submit another one like a deployment that there is. */
import { stringify } from 'yaml';
import type { Deployment } from '../../../../src/sdk/types.gen.ts';
import type { Schema } from './check-schema.ts';
import { deploymentSchema, type Fields } from './draft.ts';

export function draftOf(deployment: Deployment, cluster: string): string {
  const { files, network, ...rest } = deployment;
  const isUsualNetwork = network === (deployment.replicas > 1 ? 'private' : 'shared');
  const fields = withoutDefaults({ ...rest, ...(!isUsualNetwork && { network }) }, deploymentSchema) as Fields;
  const { name, ...others } = fields;
  const text = stringify({ cluster, name, ...others }, { lineWidth: 0 });
  if (files.length === 0) return text;
  const paths = files.map(({ path }) => `#   ${path}\n`).join('');
  return `${text}# It had files, whose content is not kept where it can be read:\n${paths}`;
}

/** Only what has to be said: what is as it is anyhow, and what is no field of a submission, goes. */
function withoutDefaults(value: unknown, schema: Schema): unknown {
  const own = schema.anyOf?.find(({ type }) => type !== 'null') ?? schema;
  if (value === null || isSame(value, schema.default)) return undefined;
  if (Array.isArray(value) && value.length === 0) return undefined;
  if (Array.isArray(value))
    return value.map((item) => (own.items === undefined ? item : withoutDefaults(item, own.items)));
  if (typeof value !== 'object' || own.properties === undefined) return value;
  const fields = value as Fields;
  const kept = Object.entries(own.properties)
    .map(([name, one]) => [name, withoutDefaults(fields[name], one)] as const)
    .filter(([, one]) => one !== undefined);
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
