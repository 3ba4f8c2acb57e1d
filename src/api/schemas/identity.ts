import { z } from 'zod';
import { id, Role, text, timestamp } from './common.ts';

export const username = text(2, 40).regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, {
  message: 'must consist of letters, digits, ".", "_" and "-", and begin with a letter or digit',
});

/** Length is what counts (NIST SP 800-63B, 5.1.1.2); the route also refuses well-known ones and the user's own name. */
export const newPassword = z
  .string()
  .min(10, { message: 'must have at least 10 characters' })
  .max(200, { message: 'must have at most 200 characters' });

export const email = z.email({ message: 'must be an e-mail address' }).max(254);

export const User = z.object({
  id,
  username: z.string(),
  email: z.string(),
  organization_id: id.nullable().describe('The organization in use.'),
  operator: z.boolean(),
  created_at: timestamp,
});

export const RegisterCreate = z.strictObject({
  username,
  email,
  password: newPassword,
  invite: z
    .string()
    .max(128)
    .optional()
    .describe('The code of an invite: joins its organization. Needed where registration is closed.'),
});

export const SignInCreate = z.strictObject({
  username: z.string().max(254).describe('The username or the e-mail address.'),
  password: z.string().max(200),
});

/** The token is also set as a cookie (`hypervisor_session`, HttpOnly); programs send it as `Authorization: Bearer`. */
export const Session = z.object({ token: z.string(), expires_at: timestamp, user: User });

/** Where an account is signed in. */
export const AccountSession = z.object({
  id,
  created_at: timestamp,
  last_used_at: timestamp.nullable().describe('To the minute; null: not since it began.'),
  expires_at: timestamp,
  current: z.boolean().describe('The one that asks.'),
  user_agent: z.string().nullable().describe('What the program called itself that signed in.'),
});
export const AccountSessions = z.object({ items: z.array(AccountSession).describe('The newest first.') });

export const Me = z.object({
  user: User,
  /** Null where the user has no organization in use. */
  organization: z.object({ id, name: z.string(), role: Role }).nullable(),
  organizations: z.array(z.object({ id, name: z.string(), role: Role })),
  /** Set where the request was made with an API token. */
  token: z.object({ id, name: z.string(), role: Role }).nullable(),
});

export const MeUpdate = z
  .strictObject({
    organization_id: id.optional().describe('Switch to this organization.'),
    password: newPassword.optional(),
    current_password: z.string().max(200).optional().describe('Needed to change the password.'),
  })
  .refine((body) => Object.keys(body).length > 0, { message: 'names nothing to change' });

export const Organization = z.object({
  id,
  name: z.string(),
  role: Role,
  version: z.number().int(),
  created_at: timestamp,
});
export const OrganizationCreate = z.strictObject({ name: text(1, 80) });
export const OrganizationUpdate = z.strictObject({ name: text(1, 80) });

export const Member = z.object({
  user_id: id,
  username: z.string(),
  email: z.string(),
  role: Role,
  created_at: timestamp,
});
export const MemberUpdate = z.strictObject({ role: Role });

export const InviteCreate = z.strictObject({
  role: Role.default('developer'),
  expires_in_s: z.number().int().min(1).max(31_536_000).default(604_800).describe('Seconds; default a week.'),
  max_uses: z.number().int().min(1).max(10_000).default(1),
});
export const Invite = z.object({
  id,
  role: Role,
  max_uses: z.number().int(),
  uses: z.number().int(),
  expires_at: timestamp,
  created_at: timestamp,
});
export const InviteWithCode = Invite.extend({ code: z.string().describe('Shown once.') });

export const TokenCreate = z.strictObject({
  name: text(1, 80),
  role: Role.optional().describe('At most the own role; default the own role.'),
  expires_in_s: z.number().int().min(1).max(315_360_000).nullable().default(null).describe('Seconds; null: never.'),
});
export const Token = z.object({
  id,
  name: z.string(),
  prefix: z.string(),
  role: Role,
  user_id: id,
  username: z.string(),
  expires_at: timestamp.nullable(),
  last_used_at: timestamp.nullable(),
  created_at: timestamp,
});
export const TokenWithSecret = Token.extend({ token: z.string().describe('Shown once.') });

export const RegistryCredentialCreate = z.strictObject({
  server: text(1, 253)
    .regex(/^(?:https?:\/\/)?[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,5})?(?:\/(?:v[12]\/?)?)?$/, {
      message: 'must be the host of a registry, like "registry.example.com:5000"',
    })
    .describe('The registry as it stands in image names, "docker.io" for Docker Hub.'),
  username: text(1, 200),
  password: z.string().min(1).max(4096),
});
export const RegistryCredentialUpdate = RegistryCredentialCreate.omit({ server: true }).extend({
  username: text(1, 200).optional().describe('Default: as it is.'),
});
export const RegistryCredential = z.object({
  id,
  server: z.string(),
  username: z.string(),
  created_at: timestamp,
  updated_at: timestamp.describe('Since when it has the present password.'),
});
