/** Requests against their zod schemas, with errors that name the field as it stands on the wire. */
import type { FastifySchemaCompiler } from 'fastify';
import type { z } from 'zod';
import { type FieldError, invalidFields } from './errors.ts';

type RawIssue = Parameters<z.core.$ZodErrorMap>[0];

export const validatorCompiler: FastifySchemaCompiler<z.ZodType> = ({ schema }) => {
  return (data: unknown) => {
    const result = schema.safeParse(data, { error: messageOf });
    if (result.success) return { value: result.data };
    return { error: invalidFields(oneForEachField(result.error.issues.flatMap(fieldErrors))) };
  };
};

/** Of several things wrong with one field, the first: the others mostly follow from it. */
function oneForEachField(errors: readonly FieldError[]): FieldError[] {
  const byField = new Map<string, FieldError>();
  for (const error of errors) if (!byField.has(error.field)) byField.set(error.field, error);
  return [...byField.values()];
}

function fieldErrors(issue: z.core.$ZodIssue): FieldError[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ field: fieldName([...issue.path, key]), message: 'is not known here' }));
  }
  // The key of a record (a label, a variable) is what is wrong; its own issues say how.
  if (issue.code === 'invalid_key') {
    return [{ field: fieldName(issue.path), message: issue.issues[0]?.message ?? issue.message }];
  }
  return [{ field: fieldName(issue.path), message: issue.message }];
}

function fieldName(path: readonly PropertyKey[]): string {
  return path.length === 0 ? 'body' : path.map(String).join('.');
}

/** Words for the issues whose schema has none of its own. Each continues a sentence that begins with the field. */
function messageOf(issue: RawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is missing' : `must be ${typeNames[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      if (issue.input === undefined) return 'is missing';
      return `must be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return `must ${limitOf(issue.origin, 'at least', issue.minimum)}`;
    case 'too_big':
      return `must ${limitOf(issue.origin, 'at most', issue.maximum)}`;
    case 'invalid_format':
      return issue.format === 'datetime' ? 'must be a time like 2026-01-31T12:00:00Z' : 'has the wrong format';
    default:
      return undefined;
  }
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

function limitOf(origin: string, bound: string, limit: number | bigint): string {
  if (origin === 'string') return `have ${bound} ${limit} characters`;
  if (origin === 'array' || origin === 'set') return `have ${bound} ${limit} entries`;
  return `be ${bound} ${limit}`;
}
