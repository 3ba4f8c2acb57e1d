import type { Routes } from '../context.ts';
import { registerApplyRoutes } from './apply.ts';
import { registerArrayRoutes } from './arrays.ts';
import { registerAuthRoutes } from './auth.ts';
import { registerBulkRoutes } from './bulk.ts';
import { registerClusterRoutes } from './clusters.ts';
import { registerDeploymentVerbRoutes } from './deployment-verbs.ts';
import { registerDeploymentRoutes } from './deployments.ts';
import { registerEngineRoutes } from './engines.ts';
import { registerEventRoutes } from './events.ts';
import { registerExecRoutes } from './exec.ts';
import { registerFileRoutes } from './files.ts';
import { registerHealthRoutes } from './health.ts';
import { registerHistoryRoutes } from './history.ts';
import { registerInviteRoutes } from './invites.ts';
import { registerLogRoutes } from './logs.ts';
import { registerMaintenanceRoutes } from './maintenance.ts';
import { registerMeRoutes } from './me.ts';
import { registerMemberRoutes } from './members.ts';
import { registerMetricsRoutes } from './metrics.ts';
import { registerNodeRoutes } from './nodes.ts';
import { registerOrganizationRoutes } from './organizations.ts';
import { registerOverviewRoutes } from './overview.ts';
import { registerPolicyPreviewRoutes } from './policy-preview.ts';
import { registerRegistryCredentialRoutes } from './registry-credentials.ts';
import { registerRevisionRoutes } from './revisions.ts';
import { registerScheduleRoutes } from './schedules.ts';
import { registerSchedulingRoutes } from './scheduling.ts';
import { registerSecretRoutes } from './secrets.ts';
import { registerSessionRoutes } from './sessions.ts';
import { registerStatsRoutes } from './stats.ts';
import { registerSubmitRoutes } from './submit.ts';
import { registerTimelineRoutes } from './timeline.ts';
import { registerTokenRoutes } from './tokens.ts';
import { registerTraceRoutes } from './trace.ts';
import { registerVolumeRoutes } from './volumes.ts';
import { registerWebhookDeliveryRoutes } from './webhook-deliveries.ts';
import { registerWebhookRoutes } from './webhooks.ts';

/** Every group of routes below /api/v1. A new group is added here, and nowhere else. */
export const routes: readonly Routes[] = [
  registerAuthRoutes,
  registerMeRoutes,
  registerSessionRoutes,
  registerOrganizationRoutes,
  registerMemberRoutes,
  registerInviteRoutes,
  registerTokenRoutes,
  registerRegistryCredentialRoutes,
  registerSecretRoutes,
  registerVolumeRoutes,
  registerEngineRoutes,
  registerOverviewRoutes,
  registerClusterRoutes,
  registerNodeRoutes,
  registerMaintenanceRoutes,
  registerSchedulingRoutes,
  registerPolicyPreviewRoutes,
  registerHistoryRoutes,
  registerTimelineRoutes,
  registerTraceRoutes,
  registerSubmitRoutes,
  registerApplyRoutes,
  registerDeploymentRoutes,
  registerDeploymentVerbRoutes,
  registerBulkRoutes,
  registerArrayRoutes,
  registerScheduleRoutes,
  registerRevisionRoutes,
  registerLogRoutes,
  registerStatsRoutes,
  registerExecRoutes,
  registerFileRoutes,
  registerEventRoutes,
  registerWebhookRoutes,
  registerWebhookDeliveryRoutes,
  registerHealthRoutes,
  registerMetricsRoutes,
];
