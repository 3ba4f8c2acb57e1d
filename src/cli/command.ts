import { type Command, InvalidArgumentError } from 'commander';
import type { Globals } from './session.ts';

/** A file in commands/ gives one of these: it adds its command, with its options and what it does, to the program. */
export type AddCommand = (program: Command) => void;

/** What `action` gets: the options of the command with those of the program, and the arguments in their order. */
export function options<T = Globals>(command: Command): T & Globals {
  return command.optsWithGlobals<T & Globals>();
}

/** For options of programs that run here; what goes to the API is judged there. */
export function amount(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value >= 0) return value;
  throw new InvalidArgumentError('It must be a number, 0 or more.');
}

export function wholeNumber(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number, 0 or more.');
}
