/** One verb for many deployments. */
import type { z } from 'zod';
import { type BulkAction, type BulkOutcome, changeDeployments } from '../../store/bulk.ts';
import { isUuid } from '../../store/ids.ts';
import { actorOf, scopeOf } from '../auth.ts';
import type { Routes } from '../context.ts';
import { ApiError, notFound } from '../errors.ts';
import { passOn } from '../pass-on.ts';
import { refusal } from '../refusal.ts';
import { BulkAnswer, BulkChange } from '../schemas/bulk.ts';

type Result = z.infer<typeof BulkAnswer>['results'][number];

export const registerBulkRoutes: Routes = (api, deps) => {
  const { db, control } = deps;

  api.post(
    '/deployments/bulk',
    {
      config: { role: 'developer' },
      schema: {
        operationId: 'changeDeployments',
        summary: 'Cancel, stop, retry, delete or re-prioritize many deployments',
        description:
          'Each by itself: those that it can be done to are changed, and of each of the others it is said why not. Who is deleted along with what it waits for is in nobody’s way.',
        tags: ['Deployments'],
        body: BulkChange,
        response: { 200: BulkAnswer },
      },
    },
    async (request) => {
      const action = actionOf(request.body);
      const ids = request.body.ids.map((id) => id.toLowerCase());
      const known = [...new Set(ids.filter(isUuid))];
      const outcomes = await changeDeployments(db, scopeOf(request), known, action, actorOf(request));
      passOn(
        [...outcomes.values()].flatMap((one) => (one.kind === 'done' ? [one.deployment] : [])),
        control,
      );
      const told = new Set<string>();
      const results = ids.map((id, index): Result => {
        const asked = request.body.ids[index] ?? id;
        if (told.has(id)) return refused(asked, new ApiError('repeated_id'));
        told.add(id);
        return resultOf(asked, outcomes.get(id), action.kind);
      });
      return { results };
    },
  );
};

function actionOf({ action, priority }: z.infer<typeof BulkChange>): BulkAction {
  return action === 'set_priority' ? { kind: action, priority: priority ?? 0 } : { kind: action };
}

const verbs: Readonly<Record<BulkAction['kind'], string>> = {
  cancel: 'cancel',
  stop: 'stop',
  retry: 'retry',
  delete: 'delete',
  set_priority: 'change the priority of',
};

function resultOf(id: string, outcome: BulkOutcome | undefined, action: BulkAction['kind']): Result {
  if (outcome === undefined) return refused(id, notFound('deployment'));
  if (outcome.kind === 'done') return { id, ok: true, error: null };
  return refused(id, refusal(outcome, verbs[action]));
}

function refused(id: string, { code, message }: ApiError): Result {
  return { id, ok: false, error: { code, detail: message } };
}
