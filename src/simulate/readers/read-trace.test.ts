import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readTrace } from './read-trace.ts';
import { defaults, temporaryFiles } from './testing.ts';

const traces = process.env['HYPERVISOR_TRACES'] ?? join(import.meta.dirname, '../../../../shared/traces');
const { read, errorOf } = temporaryFiles();

test('a format that cannot be seen can be named', async () => {
  expect(await errorOf(read('x.txt', 'hello\n'))).toMatch(/^x\.txt is of no known format\n.*--format/);
  expect(await errorOf(read('x.txt', 'hello\n', { format: 'swf' }))).toMatch(/line 1: has 1 fields/);
});

describe.runIf(existsSync(traces))('real traces, where they are stored beside the project', () => {
  test('a log of KTH', async () => {
    const trace = await readTrace(join(traces, 'swf/KTH-SP2.easy-ref.swf.gz'), defaults);
    expect([trace.deployments.length, trace.nodes[0]?.total.cpu]).toEqual([28_481, 100_000]);
  });

  test('the lists of openb', async () => {
    const nodes = join(traces, 'openb/openb_node_list_gpu_node.csv');
    const trace = await readTrace(join(traces, 'openb/openb_pod_list_default.csv'), { ...defaults, nodes });
    expect([trace.deployments.length, trace.nodes.length]).toEqual([8152, 1213]);
  });
});
