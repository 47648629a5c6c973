import type { Grant } from '../core/grant.ts';
import type { Agent, Delegator } from '../core/party.ts';

/** Who has just proven to be calling (invariant 1): the holder of the key that the access token is bound to. */
export type Caller = {
  /** The acting agent; `null` when a person calls without one. */
  agent: Agent | null;
  /** The person on whose behalf; `null` when an agent calls Remit's own API on its own authority. */
  delegator: Delegator | null;
  /** The task that the token is for; `null` for tokens of Remit's own API. */
  taskId: string | null;
  /** RFC 9396: what the token was narrowed to, within the task. */
  grants: Grant[];
  token: {
    /** `jti`. */
    id: string;
    /** Thumbprint of what the token is bound to: the key (RFC 7638), or the certificate (RFC 8705, section 3.1). */
    key: string;
    /** Milliseconds since the epoch. */
    issuedAt: number;
    expiresAt: number;
    binding: 'dpop' | 'mtls';
  };
};
