import { IconHome, IconPlayerPlay, IconServer, IconStack2, IconUser, IconUsers } from '@tabler/icons-react';

/** The pages that lead to the others. */
export const places = [
  { to: '/', label: 'Overview', about: 'What runs, what waits, what failed', Icon: IconHome },
  { to: '/deployments', label: 'Deployments', about: 'All of them, with filters', Icon: IconStack2 },
  { to: '/submit', label: 'Submit', about: 'Run something', Icon: IconPlayerPlay },
  { to: '/clusters', label: 'Clusters', about: 'Capacity, queue, nodes, timeline, decisions', Icon: IconServer },
  { to: '/people', label: 'People', about: 'Members, invites, tokens, secrets, webhooks, audit', Icon: IconUsers },
  { to: '/account', label: 'Account', about: 'Password and sessions', Icon: IconUser },
] as const;
