/** Rows of people and organizations as they go out: named field by field, so that no hash ever goes along. */
import type { z } from 'zod';
import type { InviteRow } from '../../store/invites.ts';
import type { MemberRow } from '../../store/memberships.ts';
import type { OrganizationRow } from '../../store/organizations.ts';
import type { RegistryCredentialRow } from '../../store/registry-credentials.ts';
import type { Role } from '../../store/tables.ts';
import type { TokenRow } from '../../store/tokens.ts';
import type { UserRow } from '../../store/users.ts';
import type * as schemas from '../schemas/identity.ts';

export function presentUser(row: UserRow): z.infer<typeof schemas.User> {
  return {
    id: row.id,
    username: row.username,
    email: row.email,
    organization_id: row.organization_id,
    operator: row.operator,
    created_at: row.created_at.toISOString(),
  };
}

export function presentOrganization(row: OrganizationRow, role: Role): z.infer<typeof schemas.Organization> {
  return { id: row.id, name: row.name, role, version: row.version, created_at: row.created_at.toISOString() };
}

export function presentMember(row: MemberRow): z.infer<typeof schemas.Member> {
  return {
    user_id: row.user_id,
    username: row.username,
    email: row.email,
    role: row.role,
    created_at: row.created_at.toISOString(),
  };
}

export function presentInvite(row: InviteRow): z.infer<typeof schemas.Invite> {
  return {
    id: row.id,
    role: row.role,
    max_uses: row.max_uses,
    uses: row.uses,
    expires_at: row.expires_at.toISOString(),
    created_at: row.created_at.toISOString(),
  };
}

export function presentToken(row: TokenRow): z.infer<typeof schemas.Token> {
  return {
    id: row.id,
    name: row.name,
    prefix: row.prefix,
    role: row.role,
    user_id: row.user_id,
    username: row.username,
    expires_at: row.expires_at?.toISOString() ?? null,
    last_used_at: row.last_used_at?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
  };
}

export function presentRegistryCredential(row: RegistryCredentialRow): z.infer<typeof schemas.RegistryCredential> {
  return {
    id: row.id,
    server: row.server,
    username: row.username,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  };
}
