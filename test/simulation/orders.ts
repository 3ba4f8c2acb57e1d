/** What is said between the one who asks for histories and those who run them. */
import type { Outcome } from './history.ts';
import type { Shrunk } from './shrink.ts';

export type Order =
  /** From one seed to before another; with a planted fault, until it is found. */
  | {
      readonly kind: 'run';
      readonly from: number;
      readonly to: number;
      readonly bug: string | null;
      readonly trace: boolean;
    }
  | { readonly kind: 'shrink'; readonly seed: number; readonly bug: string | null };

export interface OutcomeOfSeed extends Omit<Outcome, 'trace'> {
  readonly kind: 'outcome';
  readonly seed: number;
  readonly bug: string | null;
  readonly trace?: readonly string[];
}

export type Report =
  | OutcomeOfSeed
  | { readonly kind: 'shrunk'; readonly seed: number; readonly shrunk: Shrunk | null }
  /** It is ready for more. */
  | { readonly kind: 'done'; readonly bug: string | null; readonly usedMs: number };
