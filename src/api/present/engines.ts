import type { z } from 'zod';
import { fromThousandths } from '../../store/amounts.ts';
import type { EngineRow } from '../../store/engines.ts';
import type { Engine } from '../schemas/engines.ts';

export function presentEngine(row: EngineRow): z.infer<typeof Engine> {
  return {
    id: row.id,
    name: row.name,
    address: row.address,
    reachable: row.reachable,
    message: row.reachable === true ? null : row.message,
    since: row.since.toISOString(),
    ram: row.ram === null ? null : fromThousandths(row.ram),
    cpu: row.cpu === null ? null : fromThousandths(row.cpu),
    labels: { ...row.labels },
    nodes: row.nodes,
    kind: row.kind,
    swarm: row.swarm_id === null ? null : { id: row.swarm_id, name: row.swarm_name ?? '' },
    node_address: row.node_address,
    availability: row.availability,
    created_at: row.created_at.toISOString(),
  };
}
