import { NIL } from 'uuid';
import { isUuid } from '../store/ids.ts';

/** An id to filter by. What is no id at all is the id of nothing: the list is empty then. */
export function filterId(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  return isUuid(value) ? value : NIL;
}
