/** Reads a YAML file that must be as a schema says; what is wrong is told with its line and field. */
import { readFile } from 'node:fs/promises';
import { LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { InputError, unreadable } from './input-error.ts';

export interface YamlKind<T> {
  readonly schema: z.ZodType<T>;
  /** As a sentence goes on: "a policy". */
  readonly what: string;
  /** Where it is a list: what each of it is, "expectation". */
  readonly item?: string;
}

export async function readYaml<T>(path: string, kind: YamlKind<T>): Promise<T> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw unreadable(path, error);
  });
  return parseYaml(text, path, kind);
}

export function parseYaml<T>(text: string, name: string, kind: YamlKind<T>): T {
  const { schema, what } = kind;
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const fail = (problems: readonly string[]) => new InputError(`${name} can't be read as ${what}`, problems);
  if (document.errors.length > 0) {
    throw fail(
      document.errors.map(
        ({ linePos, message }) => `${name}, line ${linePos?.[0].line ?? 1}: ${message.split('\n')[0]}`,
      ),
    );
  }
  const parsed = schema.safeParse(document.toJS() ?? {});
  if (parsed.success) return parsed.data;
  throw fail(
    parsed.error.issues.flatMap((issue) =>
      problemsOf(issue, kind).map(({ path, problem }) => {
        const where = path.length === 0 ? 1 : lineOf(document, path, lines);
        return `${name}, line ${where}: ${problem}`;
      }),
    ),
  );
}

interface Problem {
  readonly path: readonly PropertyKey[];
  readonly problem: string;
}

function problemsOf(issue: z.core.$ZodIssue, { item }: YamlKind<unknown>): Problem[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const path = [...issue.path, key];
      return { path, problem: `${nameOf(path, item)} is no known field` };
    });
  }
  return [{ path: issue.path, problem: `${nameOf(issue.path, item)} ${worded(issue.message)}` }];
}

/** "wait.priority", of a list "expectation 2, wait.priority". */
function nameOf(path: readonly PropertyKey[], item: string | undefined): string {
  const [first, ...rest] = path;
  if (first === undefined) return 'the file';
  if (item === undefined || typeof first !== 'number') return path.join('.');
  const place = `${item} ${first + 1}`;
  return rest.length === 0 ? place : `${place}, ${rest.join('.')}`;
}

/** Messages of our own go on after the name of a field; those of zod begin a sentence. */
function worded(message: string): string {
  return /^[A-Z]/.test(message) ? `is wrong: ${message}` : message;
}

/** The line of what is named, or of the nearest thing around it that is written down. */
function lineOf(document: ReturnType<typeof parseDocument>, path: readonly PropertyKey[], lines: LineCounter): number {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true) as { range?: [number, number, number] } | undefined;
    if (node?.range !== undefined) return lines.linePos(node.range[0]).line;
  }
  return 1;
}
