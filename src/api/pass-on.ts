import type { ControlPlane } from '../control/control-plane.ts';
import type { DeploymentRow } from '../store/deployments.ts';

/** Tells the control plane what a person has just done to deployments, so that what follows from it happens soon. */
export function passOn(
  changed: readonly Pick<DeploymentRow, 'id' | 'attempt' | 'status' | 'cluster_id'>[],
  control: ControlPlane,
): void {
  if (changed.length === 0) return;
  const stopping = changed.filter(({ status }) => status === 'stopping');
  if (stopping.length > 0) control.stopSoon(stopping.map(({ id, attempt }) => ({ id, attempt })));
  for (const clusterId of new Set(changed.map((one) => one.cluster_id))) control.wake(clusterId);
  control.settle();
}
