import type { z } from 'zod';
import type { Resources as CoreResources } from '../../core/model.ts';
import { fromThousandths } from '../../store/amounts.ts';
import type { Amounts, Resources } from '../schemas/common.ts';

export function presentAmounts(amounts: CoreResources): z.infer<typeof Amounts> {
  return {
    ram: fromThousandths(amounts.ram),
    cpu: fromThousandths(amounts.cpu),
    gpu: fromThousandths(amounts.gpu),
  };
}

/** What is available is computed from whole thousandths, so that the three always add up. */
export function presentResources(total: CoreResources, allocated: CoreResources): z.infer<typeof Resources> {
  const available = {
    ram: total.ram - allocated.ram,
    cpu: total.cpu - allocated.cpu,
    gpu: total.gpu - allocated.gpu,
  };
  return {
    total: presentAmounts(total),
    allocated: presentAmounts(allocated),
    available: presentAmounts(available),
  };
}
