/** Reads the openb lists (Alibaba's GPU cluster trace of 2023), where they are stored beside the project. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import type { Node, Request } from '../../src/core/model.ts';

/** Where the traces are; `HYPERVISOR_TRACES` names another folder of the same layout. */
export const traces = process.env['HYPERVISOR_TRACES'] ?? join(import.meta.dirname, '../../../shared/traces');
const folder = join(traces, 'openb');

export interface Pod {
  readonly name: string;
  readonly request: Request;
}

type Row = Readonly<Record<string, string>>;

async function rowsOf(file: string): Promise<Row[]> {
  const text = await readFile(join(folder, file), 'utf8');
  return parse(text, { columns: true });
}

/** MiB in thousandths of a GB, rounded up: nothing gets less than it asked for. */
const fromMib = (mib: string): number => Math.ceil((Number(mib) / 1024) * 1000);

export async function readNodes(file = 'openb_node_list_gpu_node.csv'): Promise<Node[]> {
  return (await rowsOf(file)).map((row) => {
    const gpus = Number(row['gpu']);
    const total = {
      ram: Math.floor((Number(row['memory_mib']) / 1024) * 1000),
      cpu: Number(row['cpu_milli']),
      gpu: gpus * 1000,
    };
    const devices = Array.from({ length: gpus }, (_, index) => ({ index, model: row['model'] ?? '', free: 1000 }));
    return { id: row['sn'] ?? '', name: row['sn'] ?? '', total, free: total, devices, schedulable: true };
  });
}

/** The names of the pod lists that there are. */
export async function podLists(): Promise<string[]> {
  const names = (await readdir(folder)).map((file) => /^openb_pod_list_(.*)\.csv$/.exec(file)?.[1]);
  return names.filter((name) => name !== undefined).toSorted();
}

export async function readPods(list: string): Promise<Pod[]> {
  return (await rowsOf(`openb_pod_list_${list}.csv`)).map((row) => {
    const devices = Number(row['num_gpu']);
    const gpu = devices > 1 ? devices * 1000 : devices * Number(row['gpu_milli']);
    const models = (row['gpu_spec'] ?? '').split('|').filter((model) => model !== '');
    return {
      name: row['name'] ?? '',
      request: {
        perReplica: { ram: fromMib(row['memory_mib'] ?? '0'), cpu: Number(row['cpu_milli']), gpu },
        replicas: 1,
        gpuModels: models,
      },
    };
  });
}

/** So many nodes drawn from a list, with replacement. */
export function drawNodes(nodes: readonly Node[], count: number, random: () => number): Node[] {
  return Array.from({ length: count }, (_, i) => {
    const node = nodes[Math.floor(random() * nodes.length)] as Node;
    const id = `node-${String(i).padStart(5, '0')}`;
    return { ...node, id, name: id };
  });
}

/** Pods drawn from a list, with replacement, until they ask for so much GPU (in thousandths), and not beyond. */
export function drawPods(pods: readonly Pod[], gpu: number, random: () => number): Pod[] {
  const drawn: Pod[] = [];
  for (let left = gpu; ; ) {
    const pod = pods[Math.floor(random() * pods.length)] as Pod;
    left -= pod.request.perReplica.gpu;
    if (left < 0) return drawn;
    drawn.push(pod);
  }
}

/** The GPU of the nodes, in thousandths. */
export function gpuOf(nodes: readonly Node[]): number {
  return nodes.reduce((sum, node) => sum + node.total.gpu, 0);
}
