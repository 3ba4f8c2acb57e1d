import type { Json } from './api.ts';

/** The list in an answer: its items, or what stands under another name. */
export function itemsOf(body: Json, field = 'items'): readonly Json[] {
  return body[field] ?? [];
}
