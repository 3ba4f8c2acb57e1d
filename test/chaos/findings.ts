/** What was found to be wrong, each thing once. */
import { type Rule, Violation } from '../audit/violation.ts';

/** Beside the rules of the auditor: what only real processes can do. */
type ChaosRule = Rule | 'a bad answer' | 'a process ended by itself' | 'does not come back' | 'left behind';

export interface Finding {
  readonly rule: ChaosRule;
  readonly message: string;
}

export class Findings {
  readonly #found = new Map<string, Finding>();
  readonly #signal: AbortSignal;
  readonly #tell: (finding: Finding) => void;

  /** What is found after an interruption says nothing: everything is being ended then. */
  constructor(signal: AbortSignal, tell: (finding: Finding) => void) {
    this.#signal = signal;
    this.#tell = tell;
  }

  get all(): readonly Finding[] {
    return [...this.#found.values()];
  }

  add(rule: ChaosRule, message: string): void {
    const name = `${rule}: ${message}`;
    if (this.#found.has(name) || this.#signal.aborted) return;
    const finding = { rule, message };
    this.#found.set(name, finding);
    this.#tell(finding);
  }

  /** Runs a check of the auditor, which throws what it finds. */
  check(audit: () => void): void {
    try {
      audit();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.add(error.rule, error.message);
    }
  }
}
