/** Amounts as people read them. */
const numbers = new Intl.NumberFormat('en', { maximumFractionDigits: 2 });

export const formatNumber = (value: number): string => numbers.format(value);

/** Memory, in GB as the API has it (1 GB = 1024^3 bytes). */
export function formatRam(gb: number): string {
  if (gb === 0) return '0 GB';
  if (Math.abs(gb) < 1) return `${numbers.format(Math.round(gb * 1024))} MB`;
  if (Math.abs(gb) >= 1024) return `${numbers.format(gb / 1024)} TB`;
  return `${numbers.format(gb)} GB`;
}

export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 ** 2) return `${numbers.format(bytes / 1024)} kB`;
  return formatRam(bytes / 1024 ** 3);
}

export function formatCpu(cores: number): string {
  return `${numbers.format(cores)} ${cores === 1 ? 'core' : 'cores'}`;
}

export function formatGpu(gpus: number): string {
  return `${numbers.format(gpus)} ${gpus === 1 ? 'GPU' : 'GPUs'}`;
}

interface Amounts {
  readonly ram: number;
  readonly cpu: number;
  readonly gpu: number;
}

/** "4 GB, 2 cores, 1 GPU": those that are not 0. */
export function formatAmounts({ ram, cpu, gpu }: Amounts): string {
  const parts = [ram > 0 && formatRam(ram), cpu > 0 && formatCpu(cpu), gpu > 0 && formatGpu(gpu)].filter(
    (part) => part !== false,
  );
  return parts.length === 0 ? 'nothing' : parts.join(', ');
}

/** A share of a whole in percent; 0 where there is no whole. */
export function percentOf(part: number, whole: number): number {
  return whole === 0 ? 0 : (100 * part) / whole;
}
