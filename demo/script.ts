/** Reads the example file: what is submitted, what the demo does with it, and what must come of it. */
import { readFile } from 'node:fs/promises';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';

const names = z.union([z.string(), z.array(z.string())]).transform((value) => (Array.isArray(value) ? value : [value]));

const Directions = z.strictObject({
  /** Stopped by the demo once all of these have ended, and all of those are submitted. */
  stop_when: z.strictObject({ ended: names, submitted: names }).optional(),
  /** Submitted only when that one, waiting, has the better effective priority. */
  submit_when_outranked_by: z.string().optional(),
  /** Submitted in a request of its own, since the rest would be refused with it. */
  submit_alone: z.boolean().default(false),
});

const Expectation = z.strictObject({
  status: z.enum(['succeeded', 'failed', 'cancelled']).optional(),
  reason_code: z.string().optional(),
  exit_code: z.number().optional(),
  /** Admitted before all of these. */
  before: names.optional(),
  /** Not admitted by the first pass that saw it. */
  waited: z.literal(true).optional(),
  promoted: z.boolean().optional(),
  backfilled: z.boolean().optional(),
  /** The code of the error that the submission is answered with. */
  refused: z.string().optional(),
});
export type Expectation = z.infer<typeof Expectation>;

const Document = z.looseObject({
  cluster: z.string(),
  name: z.string(),
  priority: z.number().default(50),
  'x-demo': Directions.prefault({}),
  'x-expect': Expectation.prefault({}),
});

/** One deployment of the file. */
export interface Part {
  readonly name: string;
  readonly priority: number;
  readonly directions: z.infer<typeof Directions>;
  readonly expectation: Expectation;
  /** The body of POST /deployments, but for `cluster_id`. */
  readonly request: Readonly<Record<string, unknown>>;
}

export async function readScript(path: string): Promise<Part[]> {
  const documents = parseAllDocuments(await readFile(path, 'utf8'));
  return documents.map((document) => {
    const error = document.errors?.[0];
    if (error !== undefined) throw new Error(`${path}: ${error.message}`);
    const { cluster: _, 'x-demo': directions, 'x-expect': expectation, ...request } = Document.parse(document.toJS());
    return { name: request.name, priority: request.priority, directions, expectation, request };
  });
}
