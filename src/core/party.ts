import type { AgentOwner, AgentState } from './agent.ts';
import type { SpiffeId } from './spiffe-id.ts';

/** The workload that acts (OAuth actor). */
export type Agent = {
  id: SpiffeId;
  trustDomain: string;
  /** How the identity was proven. */
  attestation: 'jwt-svid' | 'x509-svid' | 'oidc' | 'private_key_jwt';
  /** Groups that the configuration and its registration put the agent in. Absent where neither has any. */
  groups?: readonly string[];
  /** As registered. Absent when it is not registered, `unregistered` when it would have to be. */
  state?: AgentState | 'unregistered';
  /** Who answers for it. Absent when it is not registered. */
  owner?: AgentOwner;
};

/** The person or service on whose behalf an agent acts (OAuth subject), as their identity provider stated them. */
export type Delegator = {
  /** Issuer URL and `sub` together name the delegator; neither does alone. */
  issuer: string;
  subject: string;
  name?: string;
  email?: string;
  groups: string[];
  /** Authentication context and methods (OIDC Core, section 2), where the provider states them. */
  acr?: string;
  amr?: string[];
  /** Seconds since the epoch at which the person authenticated. */
  authTime?: number;
};

/** One text that names a delegator: issuer, a bar, subject. Issuers hold no bar (it is not a URL character). */
export function delegatorId(delegator: Pick<Delegator, 'issuer' | 'subject'>): string {
  return `${delegator.issuer}|${delegator.subject}`;
}

/** The person that a `delegatorId` names. No issuer has a bar in it. */
export function delegatorOf(id: string): Pick<Delegator, 'issuer' | 'subject'> {
  const bar = id.indexOf('|');
  return { issuer: id.slice(0, bar), subject: id.slice(bar + 1) };
}

export function sameDelegator(a: Pick<Delegator, 'issuer' | 'subject'>, b: Pick<Delegator, 'issuer' | 'subject'>) {
  return a.issuer === b.issuer && a.subject === b.subject;
}

/**
 * Whether two accounts are of one person: the same at one provider, or with the same e-mail address at two. This only
 * ever takes a right away (nobody approves their own request, or twice), so a claim that is wrong gives nobody one.
 */
export function samePerson(
  a: Pick<Delegator, 'issuer' | 'subject' | 'email'>,
  b: Pick<Delegator, 'issuer' | 'subject' | 'email'>,
): boolean {
  if (sameDelegator(a, b)) return true;
  return a.email !== undefined && b.email !== undefined && a.email.toLowerCase() === b.email.toLowerCase();
}
