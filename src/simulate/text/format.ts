/** Numbers of a report as people read them; "-" where there is none. */
import { duration, share } from '../quantities.ts';

export const seconds = (value: number | null): string => (value === null ? '-' : duration.format(value) || '0s');
export const percent = (value: number | null): string => (value === null ? '-' : share.format(value));
export const factor = (value: number | null): string =>
  value === null ? '-' : Number(value.toFixed(2)).toLocaleString('en');
export const count = (value: number): string => Number(value.toFixed(1)).toLocaleString('en');
