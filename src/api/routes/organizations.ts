import {
  createOrganization,
  getOrganization,
  listOrganizations,
  renameOrganization,
} from '../../store/organizations.ts';
import { actorOf, scopeOf, signedIn } from '../auth.ts';
import type { Api, RouteDeps } from '../context.ts';
import { notFound } from '../errors.ts';
import { expectedVersion, setEtag, versionMismatch } from '../etag.ts';
import { decodeCursor, pageOfRows } from '../paging.ts';
import { presentOrganization } from '../present/identity.ts';
import { idParams, PageQuery, pageOf } from '../schemas/common.ts';
import { Organization, OrganizationCreate, OrganizationUpdate } from '../schemas/identity.ts';

/** The organizations of who is signed in. */
export function registerOrganizationRoutes(api: Api, { db, principals }: RouteDeps): void {
  api.post(
    '/organizations',
    {
      config: { session: true, errors: ['name_taken'] },
      schema: {
        tags: ['Organizations'],
        operationId: 'createOrganization',
        summary: 'Create an organization, and become its owner',
        body: OrganizationCreate,
        response: { 201: Organization },
      },
    },
    async (request, reply) => {
      const organization = await createOrganization(db, request.body.name, { id: signedIn(request).userId });
      principals.clear();
      setEtag(reply, organization.version);
      reply.code(201);
      return presentOrganization(organization, organization.role);
    },
  );

  api.get(
    '/organizations',
    {
      schema: {
        tags: ['Organizations'],
        operationId: 'listOrganizations',
        summary: 'One’s own organizations, by name',
        querystring: PageQuery,
        response: { 200: pageOf(Organization) },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const { userId, tokenId, organizationId } = signedIn(request);
      const only = tokenId === null || organizationId === null ? null : { organizationId };
      const after = decodeCursor(cursor, ['text'])?.[0];
      const rows = await listOrganizations(db, userId, { limit, after }, only);
      return pageOfRows(
        rows,
        limit,
        ({ sort }) => [sort],
        (row) => presentOrganization(row, row.role),
      );
    },
  );

  api.get(
    '/organizations/:id',
    {
      config: { role: 'viewer', organization: 'path' },
      schema: {
        tags: ['Organizations'],
        operationId: 'getOrganization',
        params: idParams,
        response: { 200: Organization },
      },
    },
    async (request, reply) => {
      const { role } = scopeOf(request);
      const organization = await getOrganization(db, scopeOf(request));
      if (organization === undefined) throw notFound('organization');
      setEtag(reply, organization.version);
      return presentOrganization(organization, role);
    },
  );

  api.patch(
    '/organizations/:id',
    {
      config: { role: 'owner', organization: 'path', errors: ['name_taken', 'version_mismatch'] },
      schema: {
        tags: ['Organizations'],
        operationId: 'updateOrganization',
        summary: 'Rename an organization',
        params: idParams,
        body: OrganizationUpdate,
        response: { 200: Organization },
      },
    },
    async (request, reply) => {
      const scope = scopeOf(request);
      const expected = expectedVersion(request);
      const organization = await renameOrganization(db, scope, request.body.name, expected, actorOf(request));
      if (organization === undefined)
        throw expected === undefined ? notFound('organization') : versionMismatch(expected);
      setEtag(reply, organization.version);
      return presentOrganization(organization, scope.role);
    },
  );
}
