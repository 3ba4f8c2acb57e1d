/** Every page and its address. What a page shows is in its address, filters included: it can be kept, shared and opened again. */
import type { QueryClient } from '@tanstack/react-query';
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router';
import { ApiProblem } from './api/client.ts';
import { meQuery } from './api/queries.ts';
import { isSignedOut } from './api/session.ts';
import { PageError, PageLoading, PageNotFound } from './parts/page-states.tsx';
import { Shell } from './shell/shell.tsx';
import { validateClusterSearch } from './text/cluster-search.ts';
import { validateDeploymentsSearch } from './text/deployments-search.ts';
import { textsOf } from './text/search.ts';

interface Context {
  readonly queries: QueryClient;
}

const root = createRootRouteWithContext<Context>()({ component: Outlet, notFoundComponent: PageNotFound });

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  validateSearch: textsOf('to'),
  component: lazyRouteComponent(() => import('./pages/sign-in/sign-in-page.tsx'), 'SignInPage'),
});

const signUp = createRoute({
  getParentRoute: () => root,
  path: '/sign-up',
  validateSearch: textsOf('to', 'invite'),
  component: lazyRouteComponent(() => import('./pages/sign-in/sign-up-page.tsx'), 'SignUpPage'),
});

interface Opening {
  readonly context: Context;
  readonly location: { readonly href: string };
}

/** Whoever is not signed in is asked to, and then comes back. */
async function needSession({ context, location }: Opening): Promise<void> {
  const toSignIn = redirect({ to: '/sign-in', search: location.href === '/' ? {} : { to: location.href } });
  if (isSignedOut()) throw toSignIn;
  try {
    await context.queries.ensureQueryData(meQuery);
  } catch (error) {
    if (!(error instanceof ApiProblem) || error.status !== 401) throw error;
    throw toSignIn;
  }
}

/** All that needs somebody who is signed in. */
const app = createRoute({ getParentRoute: () => root, id: 'app', beforeLoad: needSession, component: Shell });

const overview = createRoute({
  getParentRoute: () => app,
  path: '/',
  component: lazyRouteComponent(() => import('./pages/overview/overview-page.tsx'), 'OverviewPage'),
});

const deployments = createRoute({
  getParentRoute: () => app,
  path: '/deployments',
  validateSearch: validateDeploymentsSearch,
  component: lazyRouteComponent(() => import('./pages/deployments/deployments-page.tsx'), 'DeploymentsPage'),
});

const deployment = createRoute({
  getParentRoute: () => app,
  path: '/deployments/$deploymentId',
  validateSearch: textsOf('tab', 'replica', 'attempt'),
  component: lazyRouteComponent(() => import('./pages/deployment/deployment-page.tsx'), 'DeploymentPage'),
});

const clusters = createRoute({
  getParentRoute: () => app,
  path: '/clusters',
  validateSearch: textsOf('name', 'new'),
  component: lazyRouteComponent(() => import('./pages/clusters/clusters-page.tsx'), 'ClustersPage'),
});

const cluster = createRoute({
  getParentRoute: () => app,
  path: '/clusters/$clusterId',
  validateSearch: validateClusterSearch,
  component: lazyRouteComponent(() => import('./pages/cluster/cluster-page.tsx'), 'ClusterPage'),
});

const submit = createRoute({
  getParentRoute: () => app,
  path: '/submit',
  validateSearch: textsOf('from', 'cluster'),
  component: lazyRouteComponent(() => import('./pages/submit/submit-page.tsx'), 'SubmitPage'),
});

const people = createRoute({
  getParentRoute: () => app,
  path: '/people',
  validateSearch: textsOf('tab', 'webhook', 'status', 'kind', 'person'),
  component: lazyRouteComponent(() => import('./pages/people/people-page.tsx'), 'PeoplePage'),
});

const account = createRoute({
  getParentRoute: () => app,
  path: '/account',
  component: lazyRouteComponent(() => import('./pages/account/account-page.tsx'), 'AccountPage'),
});

/** Outside of the shell: who is invited may be in no organization yet. */
const invite = createRoute({
  getParentRoute: () => root,
  path: '/join/$code',
  beforeLoad: needSession,
  component: lazyRouteComponent(() => import('./pages/sign-in/join-page.tsx'), 'JoinPage'),
});

const tree = root.addChildren([
  signIn,
  signUp,
  invite,
  app.addChildren([overview, deployments, deployment, clusters, cluster, submit, people, account]),
]);

export function createAppRouter(queries: QueryClient) {
  return createRouter({
    routeTree: tree,
    context: { queries },
    defaultPreload: 'intent',
    defaultPendingComponent: PageLoading,
    defaultErrorComponent: PageError,
    defaultNotFoundComponent: PageNotFound,
    scrollRestoration: true,
  });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createAppRouter>;
  }
}
