/**
 * Checks a value against the published JSON schema of a deployment, in words for people. Only the keywords that this schema has; it
 * interprets them, since the page may not make code out of text.
 */

export type Path = readonly (string | number)[];

export interface SchemaProblem {
  readonly path: Path;
  readonly message: string;
  /** Something is not there yet: no mistake while one still types. */
  readonly isMissing: boolean;
}

export interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly propertyNames?: Schema;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
}

export function checkSchema(value: unknown, root: Schema): SchemaProblem[] {
  return check(value, root, []);

  function check(of: unknown, schema: Schema, path: Path): SchemaProblem[] {
    const own = schema.$ref === undefined ? schema : (root.$defs?.[schema.$ref.replace('#/$defs/', '')] ?? {});
    if (own.anyOf !== undefined) return checkAny(of, own.anyOf, path);
    if (own.enum !== undefined && !own.enum.includes(of))
      return wrong(path, `must be one of ${own.enum.map(String).join(', ')}`);
    const mismatch = ofWrongType(of, own.type);
    if (mismatch !== null) return wrong(path, mismatch, of === null || of === undefined);
    return [
      ...(own.allOf ?? []).flatMap((one) => check(of, one, path)).slice(0, 1),
      ...checkText(of, own, path),
      ...checkNumber(of, own, path),
      ...checkList(of, own, path),
      ...checkMapping(of, own, path),
    ];
  }

  /** Of "this, or null", what is wrong with this. */
  function checkAny(of: unknown, choices: readonly Schema[], path: Path): SchemaProblem[] {
    const results = choices.map((choice) => check(of, choice, path));
    if (results.some((problems) => problems.length === 0)) return [];
    return results[choices.findIndex(({ type }) => type !== 'null')] ?? [];
  }

  function checkList(of: unknown, { items, minItems, maxItems }: Schema, path: Path): SchemaProblem[] {
    if (!Array.isArray(of)) return [];
    if (maxItems !== undefined && of.length > maxItems) return wrong(path, `must have at most ${maxItems} items`);
    if (minItems !== undefined && of.length < minItems) return wrong(path, `must have ${minItems} or more items`);
    return items === undefined ? [] : of.flatMap((item, index) => check(item, items, [...path, index]));
  }

  function checkMapping(of: unknown, schema: Schema, path: Path): SchemaProblem[] {
    if (!isMapping(of)) return [];
    const missing = (schema.required ?? [])
      .filter((name) => of[name] === undefined)
      .map((name) => ({ path: [...path, name], message: 'is missing', isMissing: true }));
    const present = Object.entries(of)
      .filter(([, one]) => one !== undefined)
      .flatMap(([name, one]) => checkEntry(name, one, schema, path));
    return [...missing, ...present];
  }

  function checkEntry(name: string, of: unknown, schema: Schema, path: Path): SchemaProblem[] {
    const own = schema.properties?.[name];
    if (own !== undefined) return check(of, own, [...path, name]);
    const matched = Object.entries(schema.patternProperties ?? {}).find(([pattern]) => regex(pattern).test(name));
    if (matched !== undefined) return check(of, matched[1], [...path, name]);
    if (schema.additionalProperties === false) return wrong([...path, name], unknownField(name, schema, path));
    const badName = schema.propertyNames === undefined ? [] : check(name, schema.propertyNames, [...path, name]);
    if (badName.length > 0) return wrong([...path, name], `has a name that ${badName[0]?.message ?? 'is not allowed'}`);
    return typeof schema.additionalProperties === 'object'
      ? check(of, schema.additionalProperties, [...path, name])
      : [];
  }
}

function wrong(path: Path, message: string, isMissing = false): SchemaProblem[] {
  return [{ path, message, isMissing }];
}

function unknownField(name: string, { properties = {} }: Schema, path: Path): string {
  const of = path.length === 0 ? 'a deployment' : String(path.findLast((part) => typeof part === 'string'));
  const near = Object.keys(properties).find(
    (known) => known.startsWith(name) || name.startsWith(known.split('_')[0] ?? known),
  );
  return `is no field of ${of}${near === undefined ? '' : `; did you mean ${near}?`}`;
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping of fields',
  null: 'null',
};

function ofWrongType(of: unknown, type: string | undefined): string | null {
  if (type === undefined || isOfType(of, type)) return null;
  if (of === null || of === undefined) return `is missing: ${typeNames[type] ?? type}`;
  const hint = type === 'string' && typeof of !== 'object' ? ', in quotes' : '';
  return `must be ${typeNames[type] ?? type}${hint}`;
}

function isOfType(of: unknown, type: string): boolean {
  if (type === 'integer') return Number.isInteger(of);
  if (type === 'number') return typeof of === 'number' && Number.isFinite(of);
  if (type === 'array') return Array.isArray(of);
  if (type === 'object') return isMapping(of);
  return type === 'null' ? of === null : typeof of === type;
}

function isMapping(of: unknown): of is Record<string, unknown> {
  return typeof of === 'object' && of !== null && !Array.isArray(of);
}

function checkNumber(of: unknown, { minimum, maximum }: Schema, path: Path): SchemaProblem[] {
  if (typeof of !== 'number') return [];
  const isLow = minimum !== undefined && of < minimum;
  const isHigh = maximum !== undefined && of > maximum;
  if (!isLow && !isHigh) return [];
  if (minimum !== undefined && maximum !== undefined) return wrong(path, `must be from ${minimum} to ${maximum}`);
  return wrong(path, isLow ? `must be ${minimum} or more` : `must be at most ${maximum}`);
}

function checkText(of: unknown, { minLength, maxLength, pattern }: Schema, path: Path): SchemaProblem[] {
  if (typeof of !== 'string') return [];
  if (minLength !== undefined && of.length < minLength) return wrong(path, 'must not be empty', of === '');
  if (maxLength !== undefined && of.length > maxLength) return wrong(path, `must have at most ${maxLength} characters`);
  if (pattern !== undefined && !regex(pattern).test(of)) return wrong(path, messageOfPattern(pattern));
  return [];
}

const patterns = new Map<string, RegExp>();

function regex(pattern: string): RegExp {
  const made = patterns.get(pattern) ?? new RegExp(pattern, 'u');
  patterns.set(pattern, made);
  return made;
}

/** What a text of the field has to look like, told from what the pattern allows. */
function messageOfPattern(pattern: string): string {
  if (pattern.includes('Cc')) return 'must not contain control characters';
  if (pattern.includes('sha256')) return 'must be an image like "busybox:1.36" or "registry.example.com/team/app:2"';
  if (pattern.includes('A-Za-z_')) return 'must consist of letters, digits and "_", and not begin with a digit';
  if (pattern.includes('0-7')) return 'must be an octal mode in quotes, like "0644"';
  if (pattern.includes('x21')) return 'must be a path like "/healthz"';
  return 'must consist of letters, digits, ".", "_" and "-", and begin and end with a letter or digit';
}
