import { z } from 'zod';
import { clusterExists } from '../../store/cluster-row.ts';
import { deleteMaintenance, listMaintenance, type MaintenanceRow, planMaintenance } from '../../store/maintenance.ts';
import { actorOf, pathId, scopeOf } from '../auth.ts';
import type { Routes } from '../context.ts';
import { notFound } from '../errors.ts';
import { nothing } from '../schemas/answers.ts';
import { id, idParams } from '../schemas/common.ts';
import { Maintenance, MaintenanceCreate, MaintenanceList } from '../schemas/maintenance.ts';

const maintenanceParams = z.object({ id, maintenance_id: id });

/** Times at which nodes are closed, known beforehand. */
export const registerMaintenanceRoutes: Routes = (api, { db, control }) => {
  api.post(
    '/clusters/:id/maintenance',
    {
      config: { role: 'admin', errors: ['not_found'] },
      schema: {
        operationId: 'planMaintenance',
        summary: 'Plan maintenance of a node, or of all nodes of a cluster',
        tags: ['Clusters'],
        params: idParams,
        body: MaintenanceCreate,
        response: { 201: Maintenance },
      },
    },
    async (request, reply) => {
      const clusterId = pathId(request.params.id, 'cluster');
      const { node_id: node, starts_at: startsAt, ends_at: endsAt, reason } = request.body;
      const nodeId = node === null ? null : pathId(node, 'node');
      const window = { nodeId, startsAt: new Date(startsAt), endsAt: new Date(endsAt), reason };
      const row = await planMaintenance(db, scopeOf(request), clusterId, window, actorOf(request));
      if (row === null) throw notFound(nodeId === null ? 'cluster' : 'node');
      control.wake(clusterId);
      return reply.code(201).send(presentMaintenance(row));
    },
  );

  api.get(
    '/clusters/:id/maintenance',
    {
      config: { role: 'viewer', errors: ['not_found'] },
      schema: {
        operationId: 'listMaintenance',
        summary: 'The maintenance of a cluster that is planned or under way, the next first',
        tags: ['Clusters'],
        params: idParams,
        response: { 200: MaintenanceList },
      },
    },
    async (request) => {
      const clusterId = pathId(request.params.id, 'cluster');
      const rows = await listMaintenance(db, scopeOf(request), clusterId);
      if (rows.length === 0 && !(await clusterExists(db, scopeOf(request), clusterId))) throw notFound('cluster');
      return { items: rows.map(presentMaintenance) };
    },
  );

  api.delete(
    '/clusters/:id/maintenance/:maintenance_id',
    {
      config: { role: 'admin', errors: ['not_found'] },
      schema: {
        operationId: 'deleteMaintenance',
        summary: 'Call maintenance off, or end it now',
        tags: ['Clusters'],
        params: maintenanceParams,
        response: { 204: nothing },
      },
    },
    async (request, reply) => {
      const clusterId = pathId(request.params.id, 'cluster');
      const windowId = pathId(request.params.maintenance_id, 'maintenance');
      const deleted = await deleteMaintenance(db, scopeOf(request), clusterId, windowId, actorOf(request));
      if (!deleted) throw notFound('maintenance');
      control.wake(clusterId);
      return reply.code(204).send();
    },
  );
};

function presentMaintenance(row: MaintenanceRow): z.infer<typeof Maintenance> {
  return {
    id: row.id,
    cluster_id: row.cluster_id,
    node_id: row.node_id,
    starts_at: row.starts_at.toISOString(),
    ends_at: row.ends_at.toISOString(),
    reason: row.reason,
    status: row.begun_at === null ? 'planned' : 'active',
    created_at: row.created_at.toISOString(),
  };
}
