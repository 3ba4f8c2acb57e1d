import type { Needed } from '../store/transitions.ts';
import { ApiError } from './errors.ts';

/** 409 that names who waits for what was to be deleted. */
export function neededByOthers({ names, count }: Needed): ApiError {
  const others = count > names.length ? ` and ${count - names.length} more` : '';
  return new ApiError('has_dependents', `${names.join(', ')}${others} ${count === 1 ? 'waits' : 'wait'} for it.`);
}
