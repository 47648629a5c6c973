/** What an operation does to the world. `send` leaves the organisation; `mint` creates a credential, session or ticket. */
export const EFFECTS = ['read', 'write', 'delete', 'execute', 'send', 'mint', 'delegate'] as const;
export type Effect = (typeof EFFECTS)[number];
