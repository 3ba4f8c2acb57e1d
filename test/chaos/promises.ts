/** What people asked for, and what of it was acknowledged. */

/** How a deployment is to end if nobody ends it. */
export type End = 'well' | 'badly' | 'well at last' | 'by its time limit' | 'never';

export interface Asked {
  /** The name of the deployment, and the key of its submission. */
  readonly name: string;
  readonly kind: 'job' | 'service';
  readonly runtime: 'simulated' | 'docker';
  readonly end: End;
  /** Others may have it stopped and queued again. */
  readonly isPreemptible: boolean;
  /** As last acknowledged. */
  replicas: number;
  /** Null until its submission was acknowledged. */
  id: string | null;
  /** What people wanted of it, whether they were answered or not. */
  readonly requested: Set<'cancel' | 'stop'>;
  /** Its end in this attempt was acknowledged. */
  endedIn: number | null;
}

export class Promises {
  readonly #asked: Asked[] = [];
  /** Answers that said yes: submissions, ends, changes. */
  acknowledged = 0;

  add(asked: Asked): void {
    this.#asked.push(asked);
  }

  get all(): readonly Asked[] {
    return this.#asked;
  }

  /** Those that go on until somebody ends them, and nobody wanted that yet. */
  get goingOn(): readonly Asked[] {
    return this.#asked.filter(({ id, end, requested }) => id !== null && end === 'never' && requested.size === 0);
  }
}
