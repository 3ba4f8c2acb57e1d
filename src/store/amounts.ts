/** Between what people write (GB, cores, devices; three decimals) and the whole thousandths that everything computes with. */

export function toThousandths(amount: string | number): number {
  return Math.round(Number(amount) * 1000);
}

export function fromThousandths(thousandths: number): number {
  return thousandths / 1000;
}
