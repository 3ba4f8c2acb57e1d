/**
 * What is about to be submitted. Its YAML is the truth; the form shows one document of it and writes into that, and comments and
 * order stay as they were typed.
 */
import { Document, isCollection, isMap, LineCounter, type ParsedNode, parseAllDocuments } from 'yaml';
import schema from '../../../../schema/deployment.schema.json' with { type: 'json' };
import { checkSchema, type Path, type Schema } from './check-schema.ts';

export const deploymentSchema: Schema = schema;

export type Fields = Readonly<Record<string, unknown>>;

export interface DraftProblem {
  /** The place of its document among those that are not empty. */
  readonly document: number;
  readonly path: Path;
  readonly message: string;
  readonly isMissing: boolean;
}

interface DraftDocument {
  readonly source: Document.Parsed;
  /** Null where it is no mapping of fields, or no YAML. */
  readonly fields: Fields | null;
}

export interface Draft {
  readonly documents: readonly DraftDocument[];
  readonly problems: readonly DraftProblem[];
  readonly lines: LineCounter;
}

/** Reads documents as `hv apply -f` does: empty ones are none. */
export function readDraft(text: string): Draft {
  const lines = new LineCounter();
  const documents = parse(text, lines)
    .filter(isFilled)
    .map((source) => ({ source, fields: fieldsOf(source) }));
  const problems = documents.flatMap((one, document) => problemsOf(one).map((problem) => ({ ...problem, document })));
  return { documents, problems, lines };
}

function parse(text: string, lines: LineCounter): Document.Parsed<ParsedNode>[] {
  const parsed = parseAllDocuments(text, { lineCounter: lines });
  return 'empty' in parsed ? [] : parsed;
}

function isFilled(document: Document.Parsed): boolean {
  return document.errors.length > 0 || document.toJS() !== null;
}

function fieldsOf(document: Document.Parsed): Fields | null {
  if (document.errors.length > 0 || !isMap(document.contents)) return null;
  return document.toJS() as Fields;
}

function problemsOf({ source, fields }: DraftDocument): Omit<DraftProblem, 'document'>[] {
  if (fields !== null) return checkSchema(fields, deploymentSchema);
  const [error] = source.errors;
  const message =
    error?.message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? 'must be a mapping of fields';
  return [{ path: [], message, isMissing: false }];
}

/** Characters of the text. */
export interface Span {
  readonly from: number;
  readonly to: number;
  /** From 1. */
  readonly line: number;
}

/** Where something is written, or the nearest thing around it that is. */
export function spanOf({ documents, lines }: Draft, { document, path }: Pick<DraftProblem, 'document' | 'path'>): Span {
  const source = documents[document]?.source;
  const [error] = source?.errors ?? [];
  const [from, to] = error === undefined ? rangeOf(source, path) : error.pos;
  return { from, to: Math.max(from, to), line: Math.max(1, lines.linePos(from).line) };
}

function rangeOf(source: Document.Parsed | undefined, path: Path): readonly [number, number] {
  for (let length = path.length; length > 0; length -= 1) {
    const node = source?.getIn(path.slice(0, length), true) as
      | { range?: readonly [number, number, number] }
      | undefined;
    if (node?.range !== undefined) return [node.range[0], node.range[1]];
  }
  const start = source?.contents?.range[0] ?? source?.range[0] ?? 0;
  return [start, start];
}

/** The text with one field of one document changed; undefined takes the field away, and what it leaves empty. */
export function setInDraft(text: string, document: number, path: Path, value: unknown): string {
  const all = parse(text, new LineCounter());
  const changed = all.filter(isFilled)[document];
  if (changed === undefined) return `${text.trimEnd()}${text.trim() === '' ? '' : '\n'}${String(made(path, value))}`;
  if (value === undefined) removeIn(changed, path);
  else {
    makeRoom(changed, path);
    changed.setIn(path, changed.createNode(value, { flow: isWords(value) }));
  }
  return all.map((one, index) => textOf(one, index > 0)).join('');
}

function made(path: Path, value: unknown): Document {
  const document = new Document({});
  if (value !== undefined) document.setIn(path, value);
  return document;
}

/** What stands in the way of a nested field, like the null of `retry:`, makes room for it. */
function makeRoom(document: Document, path: Path): void {
  for (let length = 1; length < path.length; length += 1) {
    const around = path.slice(0, length);
    if (document.hasIn(around) && !isCollection(document.getIn(around, true)))
      document.setIn(around, document.createNode({}));
  }
}

function removeIn(document: Document, path: Path): void {
  const parent = path.slice(0, -1);
  if (parent.length > 0 && !isCollection(document.getIn(parent, true))) return;
  document.deleteIn(path);
  if (parent.length === 0) return;
  const left = document.toJS() as Fields;
  const around = parent.reduce<unknown>((of, part) => (of as Fields | undefined)?.[part], left);
  if (typeof around === 'object' && around !== null && Object.keys(around).length === 0) removeIn(document, parent);
}

/** A command stands on one line, as everybody writes it. */
const isWords = (value: unknown): boolean => Array.isArray(value) && value.every((one) => typeof one === 'string');

function textOf(document: Document.Parsed, needsStart: boolean): string {
  if (needsStart && document.directives !== undefined) document.directives.docStart = true;
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}
