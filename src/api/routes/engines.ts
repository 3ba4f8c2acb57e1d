import {
  createEngine,
  deleteEngine,
  type EngineRow,
  listEngines,
  readEngine,
  updateEngine,
} from '../../store/engines.ts';
import { actorOf, pathId, scopeOf } from '../auth.ts';
import type { Routes } from '../context.ts';
import { engineOfRequest, tried } from '../engine-bodies.ts';
import { ApiError, notFound } from '../errors.ts';
import { decodeCursor, pageOfRows } from '../paging.ts';
import { presentEngine } from '../present/engines.ts';
import { nothing } from '../schemas/answers.ts';
import { idParams, PageQuery, pageOf } from '../schemas/common.ts';
import { Engine, EngineCreate, EngineUpdate } from '../schemas/engines.ts';
import { checkNodeAddress, sumOf } from '../swarm-bodies.ts';

/** Engines on other machines. Keys and certificates go in and never come out. */
export const registerEngineRoutes: Routes = (api, { db, control, secretKey }) => {
  api.post(
    '/engines',
    {
      config: { role: 'admin', errors: ['name_taken', 'engine_unreachable', 'operator_only'] },
      schema: {
        tags: ['Clusters'],
        operationId: 'createEngine',
        summary: 'Add a Docker Engine, or a swarm by its manager, reached over TLS or SSH',
        body: EngineCreate,
        response: { 201: Engine },
      },
    },
    async (request, reply) => {
      const { name, kind, node_address } = request.body;
      const engine = engineOfRequest(request, request.body);
      const isOperator = request.principal?.operator === true;
      checkNodeAddress(kind, node_address, engine.credentials, isOperator);
      const nodeAddress = node_address ?? null;
      const found = await tried(
        kind === 'swarm' ? control.trySwarm({ ...engine, nodeAddress }).then(sumOf) : control.tryEngine(engine),
      );
      const made = { name, ...engine, kind, nodeAddress, found };
      const row = await createEngine(db, scopeOf(request), made, secretKey, actorOf(request));
      await control.enginesChanged();
      return reply.code(201).send(presentEngine(row));
    },
  );

  api.get(
    '/engines',
    {
      config: { role: 'admin' },
      schema: {
        tags: ['Clusters'],
        operationId: 'listEngines',
        summary: 'The engines that were added, by name',
        querystring: PageQuery,
        response: { 200: pageOf(Engine) },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const after = decodeCursor(cursor, ['text'])?.[0];
      const rows = await listEngines(db, scopeOf(request), { limit, after });
      return pageOfRows(rows, limit, (row) => [row.name], presentEngine);
    },
  );

  api.get(
    '/engines/:id',
    {
      config: { role: 'admin', errors: ['not_found'] },
      schema: {
        tags: ['Clusters'],
        operationId: 'getEngine',
        summary: 'Read an engine',
        params: idParams,
        response: { 200: Engine },
      },
    },
    async (request) => {
      const id = pathId(request.params.id, 'engine');
      return presentEngine(known(await readEngine(db, scopeOf(request), id)));
    },
  );

  api.patch(
    '/engines/:id',
    {
      config: {
        role: 'admin',
        errors: ['not_found', 'name_taken', 'engine_unreachable', 'operator_only', 'node_of_swarm'],
      },
      schema: {
        tags: ['Clusters'],
        operationId: 'updateEngine',
        summary: 'Rename an engine, or replace its certificates or keys',
        params: idParams,
        body: EngineUpdate,
        response: { 200: Engine },
      },
    },
    async (request) => {
      const id = pathId(request.params.id, 'engine');
      const scope = scopeOf(request);
      const { name, tls, ssh } = request.body;
      const { address, kind, node_address: nodeAddress } = known(await readEngine(db, scope, id));
      if (kind === 'swarm_node') throw new ApiError('node_of_swarm');
      const isNew = tls !== undefined || ssh !== undefined;
      const engine = isNew ? engineOfRequest(request, { address, tls, ssh }) : undefined;
      if (engine !== undefined) {
        await (kind === 'swarm'
          ? tried(control.trySwarm({ ...engine, nodeAddress }))
          : tried(control.tryEngine(engine)));
      }
      const change = { name, credentials: engine?.credentials };
      const row = known(await updateEngine(db, scope, id, change, secretKey, actorOf(request)));
      await control.enginesChanged();
      return presentEngine(row);
    },
  );

  api.delete(
    '/engines/:id',
    {
      config: { role: 'admin', errors: ['not_found', 'engine_in_use', 'node_of_swarm'] },
      schema: {
        tags: ['Clusters'],
        operationId: 'deleteEngine',
        summary: 'Forget an engine that no node and no volume is on',
        params: idParams,
        response: { 204: nothing },
      },
    },
    async (request, reply) => {
      const id = pathId(request.params.id, 'engine');
      const scope = scopeOf(request);
      if ((await readEngine(db, scope, id))?.kind === 'swarm_node') throw new ApiError('node_of_swarm');
      const outcome = await deleteEngine(db, scope, id, actorOf(request));
      if (outcome.kind === 'unknown') throw notFound('engine');
      if (outcome.kind === 'in_use') throw new ApiError('engine_in_use', whatIsOn(outcome));
      await control.enginesChanged();
      return reply.code(204).send();
    },
  );
};

function whatIsOn({
  nodes,
  clusters,
  volumes,
}: {
  nodes: number;
  clusters: readonly string[];
  volumes: readonly string[];
}): string {
  const parts = [
    ...(nodes > 0 ? [`nodes on it: ${nodes}`] : []),
    ...(clusters.length > 0 ? [`clusters of it: ${clusters.join(', ')}`] : []),
    ...(volumes.length > 0 ? [`volumes on it: ${volumes.join(', ')}`] : []),
  ];
  return `There are ${parts.join('; ')}.`;
}

function known(row: EngineRow | null): EngineRow {
  if (row === null) throw notFound('engine');
  return row;
}
