import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useRef } from 'react';
import { applyDeployments, cancelDeployment, stopDeployment, submitDeployments } from '../../../../src/sdk/index.ts';
import type { Deployment, DeploymentPlan } from '../../../../src/sdk/types.gen.ts';
import { ApiProblem, ask } from '../../api/client.ts';
import { sayDone } from '../../parts/feedback.tsx';
import { newKey } from '../../text/new-key.ts';

/** Sends a request, says what came of it, and goes to where it can be seen. */
export function useSubmission() {
  const navigate = useNavigate();
  const queries = useQueryClient();
  // Sent again after an answer that was lost, the same request makes nothing twice.
  const key = useRef({ of: '', value: '' });
  const mutation = useMutation({
    mutationFn(body: DeploymentPlan) {
      const text = JSON.stringify(body);
      if (key.current.of !== text) key.current = { of: text, value: newKey() };
      return send(body, key.current.value);
    },
    async onSuccess({ deployments, message, undo }) {
      key.current = { of: '', value: '' };
      sayDone(message, undo);
      void queries.invalidateQueries({ queryKey: ['deployments'] });
      const [only] = deployments;
      if (deployments.length === 1 && only !== undefined)
        await navigate({ to: '/deployments/$deploymentId', params: { deploymentId: only.id }, ignoreBlocker: true });
      else await navigate({ to: '/deployments', ignoreBlocker: true });
    },
  });
  return {
    submit: mutation.mutate,
    isPending: mutation.isPending,
    error: mutation.error,
    /** What was refused was changed since. */
    forget() {
      if (mutation.error !== null) mutation.reset();
    },
  };
}

interface Sent {
  readonly deployments: readonly Deployment[];
  readonly message: string;
  readonly undo?: () => Promise<unknown>;
}

async function send({ as, deployments, replace = false, rerun = false }: DeploymentPlan, key: string): Promise<Sent> {
  if (as === 'apply') {
    const applied = await ask(applyDeployments({ body: { deployments, replace, rerun } }));
    const changed = applied.deployments.filter(({ result }) => result !== 'unchanged').length;
    const message =
      changed === 0 ? 'Nothing had to change.' : `Applied: ${changed} of ${applied.deployments.length} changed.`;
    return { deployments: applied.deployments.map(({ deployment }) => deployment), message };
  }
  const headers = { 'idempotency-key': key };
  const made = (await ask(submitDeployments({ body: { deployments }, headers }))).deployments;
  const [first] = made;
  const message =
    made.length === 1 && first !== undefined ? `${first.name} was submitted.` : `${made.length} were submitted.`;
  return { deployments: made, message, undo: () => Promise.all(made.map(withdraw)) };
}

/** Out of the queue, or stopped where it has begun already. */
async function withdraw({ id }: Deployment): Promise<void> {
  try {
    await ask(cancelDeployment({ path: { id } }));
  } catch (error) {
    if (!(error instanceof ApiProblem) || error.status !== 409) throw error;
    await ask(stopDeployment({ path: { id } }));
  }
}
