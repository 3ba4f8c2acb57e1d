import { RuntimeError } from '../runtime.ts';

/**
 * The answer, or `unreachable` when it takes longer. The client's own time limit is not enough: it ends a request that is not
 * answered, but waits for ever for the rest of an answer that broke off. What comes too late is given to `dispose`.
 */
export async function within<T>(ms: number, answer: Promise<T>, dispose?: (late: T) => void): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      if (dispose !== undefined) answer.then(dispose, () => {});
      reject(new RuntimeError('unreachable', `the Docker Engine did not answer within ${ms / 1000} s`));
    }, ms);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
