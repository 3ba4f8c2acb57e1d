/**
 * Group commit: submissions that arrive while others are being written are written together by the next statement.
 * A commit costs a sync to disk, whatever it holds; sixteen clients at once then share a handful of syncs.
 */
import DataLoader from 'dataloader';
import type { Database } from './database.ts';
import { type Submission, type SubmissionOutcome, submitDeployments } from './submit.ts';

/** So many statements at a time: while one waits for the disk, the next is being worked on. */
const writersMax = 2;
/** Bounds a statement: a batch of a thousand deployments is one submission. */
const groupMax = 64;

export interface Submitter {
  /** Durable once it resolves. */
  submit(submission: Submission): Promise<SubmissionOutcome>;
}

export function groupSubmissions(db: Database): Submitter {
  let writing = 0;
  const waiting: (() => void)[] = [];

  async function write(group: readonly Submission[]): Promise<(SubmissionOutcome | Error)[]> {
    writing += 1;
    try {
      return await writeGroup(db, group);
    } finally {
      writing -= 1;
      waiting.shift()?.();
    }
  }

  const loader = new DataLoader(write, {
    cache: false,
    maxBatchSize: groupMax,
    // With a writer free, what arrived in this turn of the event loop goes at once: nobody waits for company.
    batchScheduleFn: (dispatch) => {
      if (writing < writersMax) setImmediate(dispatch);
      else waiting.push(dispatch);
    },
  });
  return { submit: (submission) => loader.load(submission) };
}

/** One that the database refuses must not fail the others of its group: then each is written by itself. */
async function writeGroup(db: Database, group: readonly Submission[]): Promise<(SubmissionOutcome | Error)[]> {
  try {
    return await submitDeployments(db, group);
  } catch (error) {
    if (group.length === 1) return [asError(error)];
  }
  const outcomes: (SubmissionOutcome | Error)[] = [];
  for (const submission of group) {
    const outcome = await submitDeployments(db, [submission]).then(([one]) => one, asError);
    outcomes.push(outcome ?? new Error('a submission has no outcome'));
  }
  return outcomes;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
