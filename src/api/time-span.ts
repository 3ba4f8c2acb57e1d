/** A time from one moment to another, as queries ask for it. */
import { z } from 'zod';
import { invalidField } from './errors.ts';

const moment = z.iso.datetime({ offset: true }).optional();

export const spanFields = {
  from: moment.describe('Default: 24 hours before `to`.'),
  to: moment.describe('Default: now.'),
};

const dayMs = 86_400_000;
const daysMax = 366;

/** The times that were asked for. What is no span at all is 400. */
export function spanOf(asked: { from?: string | undefined; to?: string | undefined }, now: number) {
  const to = asked.to === undefined ? new Date(now) : new Date(asked.to);
  const from = asked.from === undefined ? new Date(to.getTime() - dayMs) : new Date(asked.from);
  if (from >= to) throw invalidField('from', 'must be before `to`');
  if (to.getTime() - from.getTime() > daysMax * dayMs)
    throw invalidField('from', `must be at most ${daysMax} days before \`to\``);
  return { from, to };
}
