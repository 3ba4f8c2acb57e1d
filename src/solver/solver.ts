/** The exact solver as a part of the running product: one thread, made when first needed, made anew when it has died. */
import { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import type { Question } from '../core/demand.ts';
import type { Hint } from '../core/hint.ts';

export interface Solver {
  /**
   * The thread is made, if there is none, and waited for. False where that fails. Whoever asks need not call it: there is no answer
   * then until the thread is ready.
   */
  start(): Promise<boolean>;
  /** Never fails, and takes hardly longer than the time that the solver has. */
  ask(question: Question): Promise<Answer>;
  close(): Promise<void>;
}

export type Answer =
  | { readonly kind: 'hint'; readonly hint: Hint }
  /** It found nothing in time, or died of it: to ask the same again is of no use. */
  | { readonly kind: 'nothing' }
  /** The thread is being made, or busy with another cluster. */
  | { readonly kind: 'busy' };

/** What the thread is told. */
export interface Asked {
  readonly number: number;
  readonly question: Question;
  readonly milliseconds: number;
}

/** What it says. */
export type Said = 'ready' | AnswerTo;

interface AnswerTo {
  readonly number: number;
  /** The core looks at it before it uses it. */
  readonly hint: Hint | null;
}

interface Options {
  readonly log: Logger;
  /** What the thread runs. */
  readonly program?: URL;
  /** How long the solver may take, and how much later its answer may come. */
  readonly answerMs?: number;
  readonly graceMs?: number;
}

/**
 * The cluster is locked meanwhile: other passes over it, and changes to it, wait. Of the instances of
 * bench/optimum.bench.ts, most of 4 nodes are solved in all levels by then, and of 8 nodes in the best three or four of five.
 */
const defaultAnswerMs = 200;
const defaultGraceMs = 100;

/** A thread that has died is not made anew before that. */
const restMs = 5_000;

interface Thread {
  readonly worker: Worker;
  readonly ready: Promise<boolean>;
  isReady: boolean;
  /** Called with the answer to the question that it has now; null where it has none. */
  answered: ((answer: Answer) => void) | null;
  /** It is no more, or is to be no more. */
  readonly end: (why: unknown) => void;
}

const nothing: Answer = { kind: 'nothing' };
const busy: Answer = { kind: 'busy' };

export function createSolver(options: Options): Solver {
  const { log, program = new URL('thread.mjs', import.meta.url) } = options;
  const { answerMs = defaultAnswerMs, graceMs = defaultGraceMs } = options;
  let thread: Thread | null = null;
  let diedAt = Number.NEGATIVE_INFINITY;
  let asked = 0;
  let closed = false;

  function threadNow(): Thread | null {
    if (thread === null && !closed && performance.now() - diedAt >= restMs) thread = startThread();
    return thread;
  }

  function startThread(): Thread {
    // Without the arguments of this process: it says itself what it needs.
    const worker = new Worker(program, { execArgv: [] });
    worker.unref();
    const { promise: ready, resolve } = withResolvers<boolean>();
    const end = (why: unknown) => {
      if (thread !== made) return;
      thread = null;
      diedAt = performance.now();
      if (!closed) log.warn({ err: why }, 'the exact solver died; passes go on without it');
      made.answered?.(nothing);
      resolve(false);
      void worker.terminate();
    };
    const made: Thread = { worker, ready, isReady: false, answered: null, end };
    worker.on('message', (said: unknown) => {
      if (said === 'ready') {
        made.isReady = true;
        resolve(true);
      } else if (isAnswerTo(asked, said))
        made.answered?.(said.hint === null ? nothing : { kind: 'hint', hint: said.hint });
    });
    worker.on('error', end);
    worker.on('exit', (code) => end(new Error(`it ended with code ${code}`)));
    return made;
  }

  return {
    start: async () => (await threadNow()?.ready) ?? false,
    async ask(question) {
      const current = threadNow();
      if (current === null || !current.isReady || current.answered !== null) return busy;
      const { promise, resolve } = withResolvers<Answer>();
      current.answered = resolve;
      // An answer that is there already counts, also where this thread was too busy to look at it.
      const isLate = () =>
        setImmediate(() => current.answered === resolve && current.end(new Error('it took too long')));
      const late = setTimeout(isLate, answerMs + graceMs);
      asked++;
      current.worker.postMessage({ number: asked, question, milliseconds: answerMs } satisfies Asked);
      const answer = await promise;
      clearTimeout(late);
      current.answered = null;
      return answer;
    },
    async close() {
      closed = true;
      await thread?.worker.terminate();
    },
  };
}

function isAnswerTo(number: number, said: unknown): said is AnswerTo {
  return typeof said === 'object' && said !== null && 'hint' in said && 'number' in said && said.number === number;
}

const nobody = () => undefined;

/** As `Promise.withResolvers` of later Nodes. */
function withResolvers<Value>(): { promise: Promise<Value>; resolve: (value: Value) => void } {
  let resolve: (value: Value) => void = nobody;
  const promise = new Promise<Value>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
