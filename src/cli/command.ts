import type { Command } from 'commander';
import type { Globals } from './session.ts';

/** A file in commands/ gives one of these: it adds its command, with its options and what it does, to the program. */
export type AddCommand = (program: Command) => void;

/** What `action` gets: the options of the command with those of the program, and the arguments in their order. */
export function options<T = Globals>(command: Command): T & Globals {
  return command.optsWithGlobals<T & Globals>();
}
