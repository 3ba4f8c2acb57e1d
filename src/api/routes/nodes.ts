import { z } from 'zod';
import { allocationsOnNodes } from '../../store/allocations.ts';
import { clusterExists } from '../../store/cluster-row.ts';
import { readCluster } from '../../store/clusters.ts';
import { drainNode } from '../../store/drain.ts';
import {
  createNode,
  deleteNode,
  listNodes,
  type NodeChange,
  type NodeRecord,
  readNode,
  updateNode,
} from '../../store/nodes.ts';
import { actorOf, pathId, scopeOf } from '../auth.ts';
import type { Routes } from '../context.ts';
import { checkRuntime, nodeWithEngine } from '../engine-bodies.ts';
import { ApiError, notFound } from '../errors.ts';
import { decodeCursor, pageOfRows } from '../paging.ts';
import { presentAllocation, presentNode } from '../present/clusters.ts';
import { Node, NodeCreate, NodeDrainCreate, NodeListQuery, NodeUpdate } from '../schemas/clusters.ts';
import { id, idParams, pageOf } from '../schemas/common.ts';

const nodeParams = z.object({ id, node_id: id });

export const registerNodeRoutes: Routes = (api, deps) => {
  const { db, control } = deps;

  api.get(
    '/clusters/:id/nodes',
    {
      config: { role: 'viewer', errors: ['not_found'] },
      schema: {
        operationId: 'listNodes',
        summary: 'List the nodes of a cluster',
        tags: ['Clusters'],
        params: idParams,
        querystring: NodeListQuery,
        response: { 200: pageOf(Node) },
      },
    },
    async (request) => {
      const scope = scopeOf(request);
      const clusterId = pathId(request.params.id, 'cluster');
      const { limit, cursor, sort, name, schedulable, allocations } = request.query;
      const key = decodeCursor(cursor, ['time', 'uuid']);
      const page = { limit: limit + 1, after: key && { at: key[0], id: key[1] }, descending: sort.startsWith('-') };
      const rows = await listNodes(db, scope, clusterId, { name, schedulable }, page);
      // A cluster has at least one node: where there is none, it is unknown, or they are filtered out.
      if (rows.length === 0 && !(await clusterExists(db, scope, clusterId))) throw notFound('cluster');
      if (!allocations) return pageOfRows(rows, limit, keyOf, presentNode);
      const held = await allocationsOnNodes(
        db,
        scope,
        rows.map(({ id: nodeId }) => nodeId),
      );
      return pageOfRows(rows, limit, keyOf, (row) => ({
        ...presentNode(row),
        allocations: (held.get(row.id) ?? []).map(presentAllocation),
      }));
    },
  );

  api.get(
    '/clusters/:id/nodes/:node_id',
    {
      config: { role: 'viewer', errors: ['not_found'] },
      schema: {
        operationId: 'getNode',
        summary: 'Read a node',
        tags: ['Clusters'],
        params: nodeParams,
        response: { 200: Node },
      },
    },
    async (request) => {
      const { clusterId, nodeId } = idsOf(request.params);
      const node = await readNode(db, scopeOf(request), clusterId, nodeId);
      if (node === null) throw notFound('node');
      return presentNode(node);
    },
  );

  api.post(
    '/clusters/:id/nodes',
    {
      config: {
        role: 'admin',
        errors: ['not_found', 'name_taken', 'cluster_deleting', 'engine_unreachable', 'node_of_swarm'],
      },
      schema: {
        operationId: 'createNode',
        summary: 'Add a node to a cluster',
        tags: ['Clusters'],
        params: idParams,
        body: NodeCreate,
        response: { 201: Node },
      },
    },
    async (request, reply) => {
      const clusterId = pathId(request.params.id, 'cluster');
      const scope = scopeOf(request);
      const cluster = await readCluster(db, scope, clusterId);
      if (cluster === null) throw notFound('cluster');
      checkRuntime(cluster.runtime, request.body);
      const node = await nodeWithEngine(deps, scope, request.body);
      const outcome = await createNode(db, scope, clusterId, node, actorOf(request));
      const answer = answerOf(outcome, 'cluster');
      control.wake(clusterId);
      return reply.code(201).send(answer);
    },
  );

  api.patch(
    '/clusters/:id/nodes/:node_id',
    {
      config: { role: 'admin', errors: ['not_found'] },
      schema: {
        operationId: 'updateNode',
        summary: 'Cordon a node or open it again, or change its labels',
        tags: ['Clusters'],
        params: nodeParams,
        body: NodeUpdate,
        response: { 200: Node },
      },
    },
    async (request) => {
      const { clusterId, nodeId } = idsOf(request.params);
      const outcome = await updateNode(db, scopeOf(request), clusterId, nodeId, request.body, actorOf(request));
      const answer = answerOf(outcome, 'node');
      control.wake(clusterId);
      return answer;
    },
  );

  api.post(
    '/clusters/:id/nodes/:node_id/drain',
    {
      config: { role: 'admin', errors: ['not_found'] },
      schema: {
        operationId: 'drainNode',
        summary: 'Let what runs on a node leave: services move, jobs may finish until a deadline',
        tags: ['Clusters'],
        params: nodeParams,
        body: NodeDrainCreate,
        response: { 200: Node },
      },
    },
    async (request) => {
      const { clusterId, nodeId } = idsOf(request.params);
      const { deadline_s: deadlineSeconds = null, jobs } = request.body;
      const drain = { deadlineSeconds, jobs };
      const outcome = await drainNode(db, scopeOf(request), clusterId, nodeId, drain, actorOf(request));
      const answer = answerOf(outcome, 'node');
      control.wake(clusterId);
      return answer;
    },
  );

  api.delete(
    '/clusters/:id/nodes/:node_id',
    {
      config: { role: 'admin', errors: ['not_found', 'node_in_use', 'last_node', 'cluster_deleting', 'node_of_swarm'] },
      schema: {
        operationId: 'deleteNode',
        summary: 'Take a node away',
        tags: ['Clusters'],
        params: nodeParams,
        response: { 204: z.undefined().describe('Gone.') },
      },
    },
    async (request, reply) => {
      const { clusterId, nodeId } = idsOf(request.params);
      const scope = scopeOf(request);
      const cluster = await readCluster(db, scope, clusterId);
      if (cluster?.runtime === 'swarm') throw new ApiError('node_of_swarm');
      const outcome = await deleteNode(db, scope, clusterId, nodeId, actorOf(request));
      switch (outcome.kind) {
        case 'unknown':
          throw notFound('node');
        case 'cluster_deleting':
          throw new ApiError('cluster_deleting');
        case 'in_use':
          throw new ApiError('node_in_use', `Replicas that hold resources of it: ${outcome.replicas}.`);
        case 'last':
          throw new ApiError('last_node');
        case 'deleted':
          control.wake(clusterId);
          return reply.code(204).send();
      }
    },
  );
};

const keyOf = ({ key: { at, id: nodeId } }: NodeRecord): readonly string[] => [at, nodeId];

function idsOf(params: z.infer<typeof nodeParams>): { clusterId: string; nodeId: string } {
  return { clusterId: pathId(params.id, 'cluster'), nodeId: pathId(params.node_id, 'node') };
}

function answerOf(outcome: NodeChange, unknown: 'cluster' | 'node'): z.infer<typeof Node> {
  switch (outcome.kind) {
    case 'unknown':
      throw notFound(unknown);
    case 'cluster_deleting':
      throw new ApiError('cluster_deleting');
    case 'done':
      return presentNode(outcome.node);
  }
}
