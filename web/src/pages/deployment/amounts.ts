interface Amounts {
  readonly ram: number;
  readonly cpu: number;
  readonly gpu: number;
}

export const isNothing = ({ ram, cpu, gpu }: Amounts): boolean => ram <= 0 && cpu <= 0 && gpu <= 0;
