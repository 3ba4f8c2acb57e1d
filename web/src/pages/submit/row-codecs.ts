/** Rows of inputs, and the YAML that they stand for. Rows in which nothing was typed yet mean nothing. */

import { plainText } from '../../text/plain-text.ts';
import { type Fields } from './draft.ts';
import { isFields } from './fields.ts';

/** A number where it is one; else what was typed, which is then told to be wrong. */
const numberOrText = (typed: string): number | string => (/^\d+$/.test(typed.trim()) ? Number(typed) : typed);
const orNothing = <Item>(items: readonly Item[]): readonly Item[] | undefined =>
  items.length === 0 ? undefined : items;
const fieldsOf = (value: unknown): Fields[] => (Array.isArray(value) ? value.filter(isFields) : []);

interface VariableRow {
  readonly name: string;
  readonly value: string;
}

export const environmentCodec = {
  read(rows: readonly VariableRow[]): Fields | undefined {
    const named = rows.filter(({ name }) => name !== '');
    return named.length === 0 ? undefined : Object.fromEntries(named.map(({ name, value }) => [name, value]));
  },
  write: (value: unknown): readonly VariableRow[] =>
    isFields(value) ? Object.entries(value).map(([name, one]) => ({ name, value: plainText(one) })) : [],
};

interface PortRow {
  readonly container: string;
  readonly host: string;
  readonly protocol: string;
}

export const portCodec = {
  read: (rows: readonly PortRow[]) =>
    orNothing(
      rows
        .filter(({ container, host }) => container !== '' || host !== '')
        .map(({ container, host, protocol }) => ({
          container: numberOrText(container),
          ...(host !== '' && { host: numberOrText(host) }),
          ...(protocol !== 'tcp' && { protocol }),
        })),
    ),
  write: (value: unknown): readonly PortRow[] =>
    fieldsOf(value).map(({ container, host, protocol }) => ({
      container: plainText(container),
      host: plainText(host),
      protocol: protocol === 'udp' ? 'udp' : 'tcp',
    })),
};

interface SecretRow {
  readonly name: string;
  /** A variable, or a path. */
  readonly target: string;
  readonly mode?: unknown;
}

export const secretCodec = {
  read: (rows: readonly SecretRow[]) =>
    orNothing(
      rows
        .filter(({ name, target }) => name !== '' || target !== '')
        .map(({ name, target, mode }) => ({
          name,
          ...(target.startsWith('/') ? { path: target } : target !== '' && { env: target }),
          ...(mode !== undefined && { mode }),
        })),
    ),
  write: (value: unknown): readonly SecretRow[] =>
    fieldsOf(value).map(({ name, env, path, mode }) => ({
      name: plainText(name),
      target: plainText(env ?? path),
      mode,
    })),
};

/** Rows that are as they stand in the YAML; what is as `empty` has it is left out. */
export function listCodec(empty: Fields) {
  return {
    read: (rows: readonly Fields[]) =>
      orNothing(
        rows
          .map((row) => Object.fromEntries(Object.entries(row).filter(([name, value]) => value !== empty[name])))
          .filter((row) => Object.keys(row).length > 0),
      ),
    write: fieldsOf,
  };
}
