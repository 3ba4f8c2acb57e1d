import type { Role } from './tables.ts';

/** Who asks, as the hash of a session or token tells. */
export interface Principal {
  readonly userId: string;
  readonly username: string;
  /** The organization that a request acts in; null where the user has none in use. */
  readonly organizationId: string | null;
  /** The role there; of a token, the lower of its own and its member's. Null without an organization. */
  readonly role: Role | null;
  readonly sessionId: string | null;
  readonly tokenId: string | null;
  readonly operator: boolean;
}
