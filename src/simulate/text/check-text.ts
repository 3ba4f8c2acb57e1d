/** What became of expectations, as text: one line each, and below those that failed what was expected and who is to blame. */
import pc from 'picocolors';
import type { Verdict } from '../check.ts';

export function checkText(verdicts: readonly Verdict[]): string {
  const policies = new Set(verdicts.map(({ policy }) => policy));
  const lines = verdicts.flatMap((verdict) => verdictLines(verdict, policies.size > 1));
  const failed = verdicts.filter(({ passed }) => !passed).length;
  const met = `${verdicts.length - failed} of ${verdicts.length} expectations met`;
  return [...lines, '', failed === 0 ? pc.green(met) : pc.red(`${met}, ${failed} failed`)].join('\n');
}

function verdictLines(verdict: Verdict, namePolicy: boolean): string[] {
  const name = `${namePolicy ? `${verdict.policy}: ` : ''}${verdict.name}`;
  if (verdict.passed) return [`${pc.green('✓')} ${name} ${pc.dim(`(${verdict.actual}, ${verdict.expected})`)}`];
  const metric = verdict.metric === verdict.name ? [] : [`    measured  ${verdict.metric}`];
  const actual = verdict.actual ?? 'nothing: the trace has none such';
  return [
    `${pc.red('✗')} ${name}`,
    ...metric,
    pc.green(`  - expected  ${verdict.expected}`),
    pc.red(`  + actual    ${actual}`),
    ...worstLines(verdict),
  ];
}

function worstLines({ beyond, worst, value }: Verdict): string[] {
  if (beyond === 0) return [];
  // Where each by itself is worth what all are worth, the number says nothing about the one.
  const names = worst.map((one) =>
    one.value === value && worst.length > 1 && beyond === value ? one.id : `${one.id} (${one.text})`,
  );
  const more = beyond - worst.length;
  return [
    `    ${beyond === 1 ? 'it is' : `${beyond} are beyond, the worst:`} ${names.join(', ')}${more > 0 ? ', …' : ''}`,
  ];
}
