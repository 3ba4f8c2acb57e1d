import { z } from 'zod';
import { createCluster, listClusters, readCluster, updateCluster } from '../../store/clusters.ts';
import { deleteCluster } from '../../store/transitions.ts';
import { checkAllowedHostPaths } from '../allowed-host-paths.ts';
import { actorOf, pathId, scopeOf } from '../auth.ts';
import { changeOfPolicy, nodesOfCluster } from '../cluster-bodies.ts';
import type { Routes } from '../context.ts';
import { checkRuntime, nodeWithEngine } from '../engine-bodies.ts';
import { ApiError, notFound } from '../errors.ts';
import { expectedVersion, setEtag, versionMismatch } from '../etag.ts';
import { decodeCursor, pageOfRows } from '../paging.ts';
import { presentCluster } from '../present/clusters.ts';
import { Cluster, ClusterCreate, ClusterDeleteQuery, ClusterListQuery, ClusterUpdate } from '../schemas/clusters.ts';
import { idParams, pageOf } from '../schemas/common.ts';
import { swarmOfCluster } from '../swarm-bodies.ts';

export const registerClusterRoutes: Routes = (api, deps) => {
  const { db, control } = deps;

  api.post(
    '/clusters',
    {
      config: { role: 'admin', errors: ['name_taken', 'engine_unreachable', 'operator_only'] },
      schema: {
        operationId: 'createCluster',
        summary: 'Create a cluster',
        tags: ['Clusters'],
        body: ClusterCreate,
        response: { 201: Cluster },
      },
    },
    async (request, reply) => {
      const { name, runtime, policy, allowed_host_paths } = request.body;
      checkAllowedHostPaths(request, deps, allowed_host_paths);
      const scope = scopeOf(request);
      const swarm = await swarmOfCluster(deps, scope, request.body);
      const nodes =
        swarm?.nodes ??
        (await nodesOfCluster(request.body, (bodies) => {
          bodies.forEach((body, index) => checkRuntime(runtime, body, `nodes.${index}.`));
          return Promise.all(bodies.map((body, index) => nodeWithEngine(deps, scope, body, `nodes.${index}.`)));
        }));
      const swarmId = swarm?.swarmId ?? null;
      const cluster = await createCluster(
        db,
        scope,
        { name, runtime, policy: changeOfPolicy(policy), allowedHostPaths: allowed_host_paths, nodes, swarmId },
        actorOf(request),
      );
      setEtag(reply, cluster.version);
      return reply.code(201).send(presentCluster(cluster));
    },
  );

  api.get(
    '/clusters',
    {
      config: { role: 'viewer' },
      schema: {
        operationId: 'listClusters',
        summary: 'List clusters',
        tags: ['Clusters'],
        querystring: ClusterListQuery,
        response: { 200: pageOf(Cluster) },
      },
    },
    async (request) => {
      const { limit, cursor, sort, name, runtime } = request.query;
      const key = decodeCursor(cursor, ['time', 'uuid']);
      const page = { limit: limit + 1, after: key && { at: key[0], id: key[1] }, descending: sort.startsWith('-') };
      const rows = await listClusters(db, scopeOf(request), { name, runtime }, page);
      return pageOfRows(rows, limit, (row) => [row.key.at, row.key.id], presentCluster);
    },
  );

  api.get(
    '/clusters/:id',
    {
      config: { role: 'viewer', errors: ['not_found'] },
      schema: {
        operationId: 'getCluster',
        summary: 'Read a cluster',
        tags: ['Clusters'],
        params: idParams,
        response: { 200: Cluster },
      },
    },
    async (request, reply) => {
      const cluster = await readCluster(db, scopeOf(request), pathId(request.params.id, 'cluster'));
      if (cluster === null) throw notFound('cluster');
      setEtag(reply, cluster.version);
      return presentCluster(cluster);
    },
  );

  api.patch(
    '/clusters/:id',
    {
      config: {
        role: 'admin',
        errors: ['not_found', 'name_taken', 'cluster_deleting', 'operator_only', 'version_mismatch'],
      },
      schema: {
        operationId: 'updateCluster',
        summary: 'Rename a cluster, or change its policy',
        tags: ['Clusters'],
        params: idParams,
        body: ClusterUpdate,
        response: { 200: Cluster },
      },
    },
    async (request, reply) => {
      const id = pathId(request.params.id, 'cluster');
      const version = expectedVersion(request);
      const { name, policy, allowed_host_paths } = request.body;
      checkAllowedHostPaths(request, deps, allowed_host_paths ?? []);
      const change = { name, policy: changeOfPolicy(policy), allowedHostPaths: allowed_host_paths, version };
      const outcome = await updateCluster(db, scopeOf(request), id, change, actorOf(request));
      switch (outcome.kind) {
        case 'unknown':
          throw notFound('cluster');
        case 'deleting':
          throw new ApiError('cluster_deleting');
        case 'stale':
          throw versionMismatch(version ?? outcome.version);
        case 'done':
          control.wake(id);
          setEtag(reply, outcome.cluster.version);
          return presentCluster(outcome.cluster);
      }
    },
  );

  api.delete(
    '/clusters/:id',
    {
      config: { role: 'admin', errors: ['not_found', 'cluster_in_use', 'cluster_has_volumes'] },
      schema: {
        operationId: 'deleteCluster',
        summary: 'Delete a cluster',
        tags: ['Clusters'],
        params: idParams,
        querystring: ClusterDeleteQuery,
        response: {
          202: Cluster.describe('Its containers are being stopped; it goes with the last of them.'),
          204: z.undefined().describe('Deleted.'),
        },
      },
    },
    async (request, reply) => {
      const id = pathId(request.params.id, 'cluster');
      const scope = scopeOf(request);
      const outcome = await deleteCluster(db, scope, id, request.query, actorOf(request));
      switch (outcome.kind) {
        case 'unknown':
          throw notFound('cluster');
        case 'conflict':
          throw new ApiError('cluster_in_use', `${countOf(outcome.active)} queued or active there.`);
        case 'has_volumes':
          throw new ApiError('cluster_has_volumes', `It has volumes: ${outcome.names.join(', ')}.`);
        case 'deleted':
          return reply.code(204).send();
        case 'deleting': {
          control.stopSoon(outcome.stopping);
          control.wake(id);
          const cluster = await readCluster(db, scope, id);
          // With nothing left to stop it may be gone by now.
          return cluster === null ? reply.code(204).send() : reply.code(202).send(presentCluster(cluster));
        }
      }
    },
  );
};

function countOf(active: number): string {
  return active === 1 ? 'One deployment is' : `${active} deployments are`;
}
