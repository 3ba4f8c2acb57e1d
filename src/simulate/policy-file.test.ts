import { expect, test } from 'vitest';
import { InputError } from './input-error.ts';
import { defaultPolicy, policyKind, policyOf } from './policy-file.ts';
import { parseYaml } from './yaml-file.ts';

const read = (yaml: string) => policyOf('file', parseYaml(yaml, 'policy.yaml', policyKind));

test('an empty file is the policy of a new cluster, by the name of the file', () => {
  expect(read('')).toEqual({ ...defaultPolicy, name: 'file' });
  expect(defaultPolicy.policy).toEqual({ agingInterval: 3_600_000, reservationAfter: 7_200_000, maxAdmissions: 500 });
});

test('seconds become milliseconds', () => {
  const yaml = 'name: mine\naging_interval_s: 0.5\nreservation_after_s: 60\nmax_admissions: 3\n';
  expect(read(yaml)).toEqual({
    name: 'mine',
    policy: { agingInterval: 500, reservationAfter: 60_000, maxAdmissions: 3 },
  });
});

test('what runs is stopped for others only where that is enabled', () => {
  expect(read('preemption: { min_run_time_s: 60 }').policy.preemption).toBeUndefined();
  expect(read('preemption: { enabled: true }').policy.preemption).toEqual({ minRunTime: 300_000 });
});

test('what is wrong is told with line and field', () => {
  expect(() => read('ageing_interval_s: 3\n')).toThrow(InputError);
  try {
    read('reservation_after_s: 5\nmax_admissions: 0\nageing_interval_s: 3\n');
  } catch (error) {
    expect((error as InputError).details).toEqual([
      'policy.yaml, line 2: max_admissions must be 1 or more',
      'policy.yaml, line 3: ageing_interval_s is no known field',
    ]);
  }
});
