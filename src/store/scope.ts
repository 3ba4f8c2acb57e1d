/**
 * Whose data a query may see. Every query on behalf of a person takes one and puts it into its WHERE clause: what belongs
 * to another organization is not filtered out later, it is never read.
 */
export interface Scope {
  readonly organizationId: string;
}

/** Who asks, for the event that a change writes; null for the control plane itself. */
export interface Actor {
  readonly userId: string | null;
}
