import { v7 } from 'uuid';

/** A new id. Version 7 counts upward in time, so that new rows lie at the end of their indexes. */
export function newId(): string {
  return v7();
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Asked before an id from outside goes into a query: what is no id at all is unknown, not malformed. */
export function isUuid(value: string): boolean {
  return uuid.test(value);
}
