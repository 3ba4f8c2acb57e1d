import type { Routes } from '../context.ts';
import { registerAuthRoutes } from './auth.ts';
import { registerHealthRoutes } from './health.ts';
import { registerInviteRoutes } from './invites.ts';
import { registerMeRoutes } from './me.ts';
import { registerMemberRoutes } from './members.ts';
import { registerMetricsRoutes } from './metrics.ts';
import { registerOrganizationRoutes } from './organizations.ts';
import { registerRegistryCredentialRoutes } from './registry-credentials.ts';
import { registerTokenRoutes } from './tokens.ts';

/** Every group of routes below /api/v1. A new group is added here, and nowhere else. */
export const routes: readonly Routes[] = [
  registerAuthRoutes,
  registerMeRoutes,
  registerOrganizationRoutes,
  registerMemberRoutes,
  registerInviteRoutes,
  registerTokenRoutes,
  registerRegistryCredentialRoutes,
  registerHealthRoutes,
  registerMetricsRoutes,
];
