import { delegatorOf } from '../core/party.ts';
import { isFleet } from '../core/agent.ts';
import type { JsonObject } from '../core/json.ts';
import type { Revocation } from '../core/revocation.ts';

/** OpenID Continuous Access Evaluation Profile 1.0, section 3.1. */
export const SESSION_REVOKED = 'https://schemas.openid.net/secevent/caep/event-type/session-revoked';

/** RFC 8417, section 2.3: the type of a JWT that is a Security Event Token, by which nothing else takes it. */
export const SET_TYPE = 'secevent+jwt';

/** Claims of a Security Event Token (RFC 8417, section 2.2). It has neither `sub` nor `exp` (SSF 1.0, section 4.1). */
export type SecurityEventClaims = {
  iss: string;
  aud: string;
  /** Seconds since the epoch. */
  iat: number;
  /** The record, so that one event is one token however often it is asked for. */
  jti: string;
  /** RFC 9493, with `complex` of SSF 1.0, section 3.3. */
  sub_id: JsonObject;
  events: Record<string, JsonObject>;
};

/**
 * What an entry of the feed says in the words of CAEP: `session-revoked`, with the task as the session. `null` for an entry of
 * which CAEP has no words, and for what brings authority back.
 */
export function securityEvent(
  revocation: Revocation,
  stated: { issuer: string; audience: string; now: number },
): SecurityEventClaims | null {
  const subject = subjectOf(revocation, stated.issuer);
  if (subject === null) return null;
  const { at, cause, kind, record } = revocation;
  return {
    iss: stated.issuer,
    aud: stated.audience,
    iat: Math.floor(stated.now / 1000),
    jti: record,
    sub_id: subject,
    events: {
      [SESSION_REVOKED]: {
        event_timestamp: Math.floor(at / 1000),
        initiating_entity: kind === 'task.ended' && revocation.subject['state'] === 'expired' ? 'policy' : 'admin',
        ...(cause === '' ? {} : { reason_admin: { en: cause } }),
      },
    },
  };
}

function subjectOf({ kind, subject }: Revocation, issuer: string): JsonObject | null {
  const { task, agent, delegator, jti } = subject;
  switch (kind) {
    case 'task.ended':
      return {
        format: 'complex',
        session: { format: 'opaque', id: task! },
        application: { format: 'uri', uri: agent! },
        ...(typeof delegator === 'string' ? { user: userOf(delegator) } : {}),
      };
    case 'token.revoked':
      // SSF 1.0, section 3.4.1: the issuer and the id of a JWT.
      return { format: 'jwt_id', iss: issuer, jti: jti! };
    case 'agent.suspended':
    case 'agent.retired':
      // Whatever sessions the agent has. A pattern names no agent: the ends of its tasks are events of their own.
      if (typeof agent !== 'string' || isFleet(agent)) return null;
      return { format: 'complex', application: { format: 'uri', uri: agent } };
    case 'access.suspended':
      // Whatever sessions the person has. Of the other kinds the ends of the tasks are events of their own.
      if (subject['kind'] !== 'delegator' || typeof subject['id'] !== 'string') return null;
      return { format: 'complex', user: userOf(subject['id']) };
    case 'access.resumed':
    case 'agent.resumed':
    case 'key.removed':
    case 'policy.changed':
    case 'policy.distrusted':
      return null;
  }
}

function userOf(delegator: string): JsonObject {
  const { issuer, subject } = delegatorOf(delegator);
  return { format: 'iss_sub', iss: issuer, sub: subject };
}
