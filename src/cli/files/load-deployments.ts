import { readFile } from 'node:fs/promises';
import { text as readAll } from 'node:stream/consumers';
import { type Document, isMap, LineCounter, parseAllDocuments } from 'yaml';
import type { z } from 'zod';
import { CliError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { DeploymentDocument } from './deployment-file.ts';

export type LoadedDeployment = z.infer<typeof DeploymentDocument>;

/**
 * Reads the deployments of a YAML file ("-": standard input), one a document. Throws one error that names every wrong field
 * with its document and line.
 */
export async function loadDeployments(path: string): Promise<LoadedDeployment[]> {
  const name = path === '-' ? 'standard input' : path;
  const text =
    path === '-'
      ? await readAll(process.stdin)
      : await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
          throw new CliError(
            `could not read ${path}: ${error.code === 'ENOENT' ? 'there is no such file' : error.message}`,
            exitCodes.usage,
          );
        });
  return parseDeployments(text, name);
}

export function parseDeployments(text: string, name: string): LoadedDeployment[] {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines });
  const errors: string[] = [];
  const loaded: LoadedDeployment[] = [];
  const filled = (Array.isArray(documents) ? documents : []).filter(
    (document) => document.errors.length > 0 || document.toJS() !== null,
  );
  filled.forEach((document, index) => {
    const where = filled.length > 1 ? `${name}, document ${index + 1}` : name;
    const result = check(document, lines);
    if ('deployment' in result) loaded.push(result.deployment);
    else errors.push(...result.errors.map((error) => `${where}, ${error}`));
  });
  if (errors.length > 0) throw new CliError(`${name} can't be submitted`, exitCodes.invalid, errors);
  if (loaded.length === 0) throw new CliError(`${name} holds no deployment`, exitCodes.invalid);
  return loaded;
}

function check(document: Document, lines: LineCounter): { deployment: LoadedDeployment } | { errors: string[] } {
  if (document.errors.length > 0) {
    return {
      errors: document.errors.map((error) => `line ${error.linePos?.[0].line ?? '?'}: ${error.message.split('\n')[0]}`),
    };
  }
  const value: unknown = document.toJS();
  if (!isMap(document.contents) || typeof value !== 'object' || value === null) {
    return { errors: [`line ${lines.linePos(document.range?.[0] ?? 0).line}: must be a mapping of fields`] };
  }
  const known = Object.fromEntries(Object.entries(value).filter(([key]) => !key.startsWith('x-')));
  const parsed = DeploymentDocument.safeParse(known);
  if (parsed.success) return { deployment: parsed.data };
  return { errors: parsed.error.issues.map((issue) => `line ${lineOf(document, issue, lines)}: ${sentence(issue)}`) };
}

function sentence(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys')
    return `${[...issue.path, issue.keys.join(', ')].join('.')} is no field of a deployment`;
  return `${issue.path.join('.')} ${issue.message}`;
}

/** The line of what is wrong, or of the nearest thing around it that is written down. */
function lineOf(document: Document, issue: z.core.$ZodIssue, lines: LineCounter): number {
  const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0]] : issue.path;
  for (let length = path.length; length > 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true) as { range?: [number, number, number] } | undefined;
    if (node?.range !== undefined) return lines.linePos(node.range[0]).line;
  }
  return lines.linePos(document.range?.[0] ?? 0).line;
}
