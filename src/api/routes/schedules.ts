/** Schedules: what is submitted again and again, at times that a cron expression says. */
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { CronError, cronTimes } from '../../cron.ts';
import type { EventType } from '../../store/events.ts';
import {
  clockOf,
  createSchedule,
  deleteSchedule,
  listScheduleRuns,
  listSchedules,
  readSchedule,
  type ScheduleRow,
  type ScheduleSettings,
  updateSchedule,
} from '../../store/schedules.ts';
import { rememberCapacities } from '../../store/submit-capacity.ts';
import { actorOf, pathId, scopeOf } from '../auth.ts';
import type { Routes } from '../context.ts';
import { ApiError, type ErrorCode, invalidField, notFound } from '../errors.ts';
import { expectedVersion, setEtag, versionMismatch } from '../etag.ts';
import { filterId } from '../filters.ts';
import { decodeCursor, pageOfRows } from '../paging.ts';
import { presentSchedule, presentScheduleRun } from '../present/schedules.ts';
import { nothing } from '../schemas/answers.ts';
import { idParams, PageQuery, pageOf } from '../schemas/common.ts';
import type { DeploymentCreate } from '../schemas/deployments.ts';
import { Schedule, ScheduleCreate, ScheduleListQuery, ScheduleRun, ScheduleUpdate } from '../schemas/schedules.ts';
import { prepareSubmission } from '../submission.ts';

const errors: readonly ErrorCode[] = ['not_found', 'name_taken', 'never_fits', 'volumes_apart'];

/** The next time, whatever the expression; it was looked at when it came in. */
const next = ({ cron, timeZone }: { cron: string; timeZone: string }, after: number) =>
  cronTimes(cron, timeZone).next(after);

export const registerScheduleRoutes: Routes = (api, deps) => {
  const { db, control } = deps;
  const capacities = rememberCapacities(db);

  /** What it submits is refused now where it would be each time. */
  async function checkDeployment(request: FastifyRequest, body: z.infer<typeof DeploymentCreate>): Promise<string> {
    const clusterId = pathId(body.cluster_id, 'cluster');
    const of = { scope: scopeOf(request), actor: actorOf(request), idempotency: null };
    if ((await capacities.empty(of.scope, clusterId)) === null) throw notFound('cluster');
    const { refusal } = await prepareSubmission({ db, capacities }, of, [body], (_, field) => `deployment.${field}`);
    if (refusal !== null) throw refusal;
    return clusterId;
  }

  api.post(
    '/schedules',
    {
      config: { role: 'developer', errors },
      schema: {
        operationId: 'createSchedule',
        summary: 'Submit a deployment again and again',
        tags: ['Schedules'],
        body: ScheduleCreate,
        response: { 201: Schedule },
      },
    },
    async (request, reply) => {
      const { body } = request;
      checkTimes(body.cron, body.time_zone, await clockOf(db));
      const clusterId = await checkDeployment(request, body.deployment);
      const settings: ScheduleSettings = {
        clusterId,
        name: body.name,
        cron: body.cron,
        timeZone: body.time_zone,
        overlap: body.overlap,
        missed: body.missed,
        missedMax: body.missed_max,
        paused: body.paused,
        deployment: body.deployment,
      };
      const schedule = await createSchedule(db, scopeOf(request), settings, next, actorOf(request));
      setEtag(reply, schedule.version);
      return reply.code(201).send(presentSchedule(schedule, await clockOf(db)));
    },
  );

  api.get(
    '/schedules',
    {
      config: { role: 'viewer' },
      schema: {
        operationId: 'listSchedules',
        summary: 'List schedules',
        tags: ['Schedules'],
        querystring: ScheduleListQuery,
        response: { 200: pageOf(Schedule) },
      },
    },
    async (request) => {
      const { limit, cursor, name, cluster_id: clusterId } = request.query;
      const key = decodeCursor(cursor, ['time', 'uuid']);
      const page = { limit: limit + 1, after: key && { at: key[0], id: key[1] } };
      const rows = await listSchedules(db, scopeOf(request), { name, clusterId: filterId(clusterId) }, page);
      const now = await clockOf(db);
      return pageOfRows(
        rows,
        limit,
        (row) => [row.created_at_exact, row.id],
        (row) => presentSchedule(row, now),
      );
    },
  );

  api.get(
    '/schedules/:id',
    {
      config: { role: 'viewer' },
      schema: {
        operationId: 'getSchedule',
        summary: 'Read a schedule, with its next times',
        tags: ['Schedules'],
        params: idParams,
        response: { 200: Schedule },
      },
    },
    async (request, reply) => {
      const row = await known(request, request.params.id);
      setEtag(reply, row.version);
      return presentSchedule(row, await clockOf(db));
    },
  );

  async function known(request: FastifyRequest, id: string): Promise<ScheduleRow> {
    const row = await readSchedule(db, scopeOf(request), pathId(id, 'schedule'));
    if (row === null) throw notFound('schedule');
    return row;
  }

  api.patch(
    '/schedules/:id',
    {
      config: { role: 'developer', errors: [...errors, 'version_mismatch'] },
      schema: {
        operationId: 'updateSchedule',
        summary: 'Change a schedule',
        tags: ['Schedules'],
        params: idParams,
        body: ScheduleUpdate,
        response: { 200: Schedule },
      },
    },
    async (request, reply) => {
      const { body } = request;
      const present = await known(request, request.params.id);
      checkTimes(body.cron ?? present.cron, body.time_zone ?? present.time_zone, await clockOf(db));
      const settings: Partial<ScheduleSettings> = {
        ...(body.name !== undefined && { name: body.name }),
        ...(body.cron !== undefined && { cron: body.cron }),
        ...(body.time_zone !== undefined && { timeZone: body.time_zone }),
        ...(body.overlap !== undefined && { overlap: body.overlap }),
        ...(body.missed !== undefined && { missed: body.missed }),
        ...(body.missed_max !== undefined && { missedMax: body.missed_max }),
        ...(body.deployment !== undefined && {
          deployment: body.deployment,
          clusterId: await checkDeployment(request, body.deployment),
        }),
      };
      const schedule = await change(request, present.id, settings, 'schedule.updated');
      setEtag(reply, schedule.version);
      return presentSchedule(schedule, await clockOf(db));
    },
  );

  async function change(
    request: FastifyRequest,
    id: string,
    settings: Partial<ScheduleSettings>,
    event: EventType,
  ): Promise<ScheduleRow> {
    const version = expectedVersion(request);
    const outcome = await updateSchedule(
      db,
      scopeOf(request),
      id,
      { settings, version, event },
      next,
      actorOf(request),
    );
    switch (outcome.kind) {
      case 'unknown':
        throw notFound('schedule');
      case 'stale':
        throw versionMismatch(version ?? outcome.version);
      case 'done':
        return outcome.schedule;
    }
  }

  for (const { verb, summary, paused, event } of [
    { verb: 'pause', summary: 'Submit nothing more until it is resumed', paused: true, event: 'schedule.paused' },
    {
      verb: 'resume',
      summary: 'Go on; what was due meanwhile is not made up for',
      paused: false,
      event: 'schedule.resumed',
    },
  ] as const) {
    api.post(
      `/schedules/:id/${verb}`,
      {
        config: { role: 'developer', errors: ['version_mismatch'] },
        schema: {
          operationId: `${verb}Schedule`,
          summary,
          tags: ['Schedules'],
          params: idParams,
          response: { 200: Schedule },
        },
      },
      async (request, reply) => {
        const schedule = await change(request, pathId(request.params.id, 'schedule'), { paused }, event);
        setEtag(reply, schedule.version);
        return presentSchedule(schedule, await clockOf(db));
      },
    );
  }

  api.post(
    '/schedules/:id/run',
    {
      config: { role: 'developer', errors: ['schedule_not_run'] },
      schema: {
        operationId: 'runSchedule',
        summary: 'Submit it now, also while it is paused',
        tags: ['Schedules'],
        params: idParams,
        response: { 200: ScheduleRun.pick({ outcome: true, message: true, deployment_id: true }) },
      },
    },
    async (request) => {
      const id = pathId(request.params.id, 'schedule');
      const result = await control.runSchedule(scopeOf(request), id, actorOf(request));
      if (result === null) throw notFound('schedule');
      if (result.outcome !== 'submitted') throw new ApiError('schedule_not_run', `It was ${result.message}.`);
      return { outcome: result.outcome, message: result.message, deployment_id: result.deploymentId };
    },
  );

  api.get(
    '/schedules/:id/runs',
    {
      config: { role: 'viewer' },
      schema: {
        operationId: 'listScheduleRuns',
        summary: 'List what came of the times of a schedule, the latest first',
        tags: ['Schedules'],
        params: idParams,
        querystring: PageQuery,
        response: { 200: pageOf(ScheduleRun) },
      },
    },
    async (request) => {
      const { id } = await known(request, request.params.id);
      const { limit, cursor } = request.query;
      const key = decodeCursor(cursor, ['time', 'uuid']);
      const page = { limit: limit + 1, after: key && { at: key[0], id: key[1] } };
      const rows = await listScheduleRuns(db, scopeOf(request), id, page);
      return pageOfRows(rows, limit, (row) => [row.created_at_exact, row.id], presentScheduleRun);
    },
  );

  api.delete(
    '/schedules/:id',
    {
      config: { role: 'developer' },
      schema: {
        operationId: 'deleteSchedule',
        summary: 'Delete a schedule; what it has submitted stays',
        tags: ['Schedules'],
        params: idParams,
        response: { 204: nothing },
      },
    },
    async (request, reply) => {
      const id = pathId(request.params.id, 'schedule');
      if (!(await deleteSchedule(db, scopeOf(request), id, actorOf(request)))) throw notFound('schedule');
      return reply.code(204).send();
    },
  );
};

/** What is no cron expression, or one whose time never comes. */
function checkTimes(cron: string, timeZone: string, now: number): void {
  try {
    if (cronTimes(cron, timeZone).next(now) === null) throw new CronError('cron', 'names a time that never comes');
  } catch (error) {
    if (error instanceof CronError) throw invalidField(error.field, error.message);
    throw error;
  }
}
