/** Which of the promises was broken. */
export type Rule =
  | 'over capacity'
  | 'lost'
  | 'run twice at once'
  | 'freed other than once'
  | 'acknowledged and not kept'
  | 'illegal change'
  | 'decided without the lease'
  | 'wrong outcome'
  | 'not ended in the end';

export class Violation extends Error {
  readonly rule: Rule;

  constructor(rule: Rule, message: string) {
    super(message);
    this.name = 'Violation';
    this.rule = rule;
  }
}
