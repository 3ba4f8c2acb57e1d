import { expect, test } from 'vitest';
import { Deployment, DeploymentCreate } from './schemas/deployments.ts';
import { bodyOf, changesBetween, specOfNew } from './spec.ts';
import { newDeployment } from './submission.ts';

const scope = { organizationId: '00000000-0000-7000-8000-000000000001' };
const actor = { userId: null };
const minimal = {
  cluster_id: '00000000-0000-7000-8000-000000000002',
  name: 'web',
  docker_image: 'busybox',
  ram_required: 1,
  cpu_required: 0.5,
};

const service = {
  ...minimal,
  kind: 'service',
  ports: [{ container: 80, host: 8080 }],
  health_check: { tcp: { port: 80 } },
};

const specOf = (body: object) => specOfNew(newDeployment(DeploymentCreate.parse(body)), scope, actor);

/** What makes several of one, or waits for others: it can be submitted, not applied. */
const notApplied = ['array_parallel', 'count', 'depends_on'];

test('a deployment shows every field that can be applied, or it could not be compared', () => {
  const missing = Object.keys(DeploymentCreate.shape).filter((field) => !Object.hasOwn(Deployment.shape, field));
  expect(missing.toSorted()).toEqual(notApplied);
});

test('what is left out is the same as its default written down', () => {
  const spec = specOf(minimal);
  const all = Object.keys(DeploymentCreate.shape).filter((field) => !notApplied.includes(field));
  expect(Object.keys(spec).toSorted()).toEqual(all.toSorted());
  expect(changesBetween(spec, specOf(bodyOf(spec)))).toEqual([]);
  expect(changesBetween(specOf(service), specOf(bodyOf(specOf(service))))).toEqual([]);
  expect(changesBetween(spec, specOf({ ...minimal, priority: 50, replicas: 1, env: {}, command: null }))).toEqual([]);
});

test('each field that differs is named, and no other', () => {
  const other = { ...minimal, docker_image: 'busybox:2', env: { A: 'b' }, priority: 7 };
  const changes = changesBetween(specOf(minimal), specOf(other));
  expect(changes.map(({ path }) => path.join('.'))).toEqual(['docker_image', 'env.A', 'priority']);
});
