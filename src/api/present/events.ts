import type { z } from 'zod';
import { type EventRow, positionOf, writePosition } from '../../store/event-log.ts';
import type { Event } from '../schemas/scheduling.ts';

export function presentEvent(event: EventRow): z.infer<typeof Event> {
  return {
    id: writePosition(positionOf(event)),
    type: event.type,
    message: event.message,
    organization_id: event.organization_id,
    cluster_id: event.cluster_id,
    deployment_id: event.deployment_id,
    actor_id: event.actor_id,
    data: event.data,
    created_at: event.created_at.toISOString(),
  };
}
