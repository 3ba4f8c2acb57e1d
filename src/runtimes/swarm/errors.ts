import { toRuntimeError } from '../docker/errors.ts';
import { RuntimeError, type RuntimeErrorCode } from '../runtime.ts';

/** What a manager answers while it can't do anything: it is none any more, or the managers are too few to agree. */
const isPowerless = /not a swarm manager|does not have a leader|context deadline exceeded|code = Unavailable/i;

/** What the manager of a swarm answered, as the port says it. `fallback` is what it is otherwise. */
export function toSwarmError(error: unknown, fallback: RuntimeErrorCode): RuntimeError {
  const known = toRuntimeError(error, fallback);
  const words = known.message.replace(/^rpc error: code = \w+ desc = /, '');
  if (isPowerless.test(known.message)) {
    return new RuntimeError('unreachable', `the manager of the swarm can do nothing (${words})`, { cause: error });
  }
  return words === known.message ? known : new RuntimeError(known.code, words, { cause: error });
}
