/** What events are about: as filters, and for webhooks. */

const subjects = [
  ['deployment', 'Deployments'],
  ['replica', 'Replicas'],
  ['schedule', 'Schedules'],
  ['cluster', 'Clusters'],
  ['node', 'Nodes'],
  ['maintenance', 'Maintenance'],
  ['engine', 'Engines'],
  ['member', 'Members'],
  ['invite', 'Invites'],
  ['token', 'API tokens'],
  ['secret', 'Secrets'],
  ['secret_key', 'Secret key'],
  ['registry_credential', 'Registries'],
  ['volume', 'Volumes'],
  ['webhook', 'Webhooks'],
  ['organization', 'Organization'],
] as const;

/** A choice for each subject: its family of types, as the API takes it. */
export const eventFamilies = subjects.map(([subject, label]) => ({ value: `${subject}.*`, label }));

/** Types that somebody is often told of. */
export const notableTypes = [
  'deployment.started',
  'deployment.succeeded',
  'deployment.failed',
  'deployment.preempted',
  'deployment.rolled_back',
  'replica.unhealthy',
  'node.unreachable',
  'cluster.unreachable',
  'schedule.not_run',
];
