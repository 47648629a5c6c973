import type { Grant } from '../core/grant.ts';
import { delegatorId, type Agent, type Delegator } from '../core/party.ts';
import type { SpiffeId } from '../core/spiffe-id.ts';
import type { Task } from '../core/task.ts';
import { confirmationClaim, readConfirmation, type TokenBinding } from './confirmation.ts';
import type { TokenKey } from './signing-key.ts';

/** RFC 9068, section 2.1. */
export const ACCESS_TOKEN_TYP = 'at+jwt';

/** Whom a token is for. */
export type TokenSubject =
  | { kind: 'agent'; agent: Agent }
  | { kind: 'person'; person: Delegator }
  | {
      kind: 'task';
      agent: Agent;
      task: Task;
      /** The agents that handed the task on, the nearest first. */
      above: readonly Task['agent'][];
      root: string;
      grants: Grant[];
      scope?: string;
    };

export type AccessTokenClaims = {
  jti: string;
  sub: string;
  /** Seconds since the epoch. */
  iat: number;
  exp: number;
  binding: TokenBinding;
  subject:
    | { kind: 'agent'; agent: Agent }
    | { kind: 'person'; person: Delegator }
    | { kind: 'task'; agent: Agent; taskId: string; grants: Grant[] };
};

export type AccessTokenParts = {
  key: TokenKey;
  issuer: string;
  clock: () => number;
  newId: (prefix: string) => string;
  skewSeconds: number;
};

/** An `at+jwt` (RFC 9068) for one audience, bound to a key or a certificate, with `act` (RFC 8693, section 4.1). */
export async function issueAccessToken(
  token: { id: string; subject: TokenSubject; audience: string; binding: TokenBinding; expiresAt: number },
  parts: AccessTokenParts,
): Promise<{ accessToken: string; expiresIn: number }> {
  const iat = Math.floor(parts.clock() / 1000);
  const exp = Math.floor(token.expiresAt / 1000);
  const accessToken = await parts.key.sign(ACCESS_TOKEN_TYP, {
    iss: parts.issuer,
    aud: token.audience,
    jti: token.id,
    iat,
    exp,
    cnf: confirmationClaim(token.binding),
    ...subjectClaims(token.subject),
  });
  return { accessToken, expiresIn: exp - iat };
}

function subjectClaims(subject: TokenSubject): Record<string, unknown> & { sub: string } {
  switch (subject.kind) {
    case 'agent':
      return { sub: subject.agent.id, client_id: subject.agent.id, attestation: subject.agent.attestation };
    case 'person':
      return { sub: delegatorId(subject.person), client_id: 'remit', person: subject.person };
    case 'task': {
      const { agent, task, above, root, grants } = subject;
      const { acr, authTime } = task.delegator;
      return {
        sub: delegatorId(task.delegator),
        client_id: agent.id,
        act: actorOf([agent, ...above])!,
        attestation: agent.attestation,
        task: task.id,
        txn: root,
        authorization_details: grants,
        ...(subject.scope === undefined ? {} : { scope: subject.scope }),
        ...(acr === undefined ? {} : { acr }),
        ...(authTime === undefined ? {} : { auth_time: authTime }),
      };
    }
  }
}

type Actor = { sub: string; iss: string; act?: Actor };

/**
 * RFC 8693, section 4.1: who acts now outermost, who handed the task on within. The actor profile asks for `iss` beside
 * `sub`: the trust domain is who vouches for the agent. Made anew from the chain each time; a depth is never cut.
 */
export function actorOf(agents: readonly Task['agent'][]): Actor | undefined {
  return agents.reduceRight<Actor | undefined>(
    (act, { id, trustDomain }) => ({ sub: id, iss: `spiffe://${trustDomain}`, ...(act === undefined ? {} : { act }) }),
    undefined,
  );
}

/** Verifies a token for exactly one audience. Rejects with jose's errors, or when a claim of ours is missing. */
export async function readAccessToken(
  token: string,
  audience: string,
  parts: Omit<AccessTokenParts, 'newId'>,
): Promise<AccessTokenClaims> {
  const payload = await parts.key.verify(token, {
    typ: ACCESS_TOKEN_TYP,
    issuer: parts.issuer,
    audience,
    now: parts.clock(),
    skewSeconds: parts.skewSeconds,
  });
  // RFC 8707: one audience a token; a list that happens to hold ours is not what we issue.
  if (payload.aud !== audience) throw new Error('aud');
  if (payload.jti === undefined || payload.sub === undefined) throw new Error('claims');
  return {
    jti: payload.jti,
    sub: payload.sub,
    iat: payload.iat!,
    exp: payload.exp!,
    binding: readConfirmation(payload['cnf']),
    subject: readSubject(payload),
  };
}

/** Our own signature is over these claims, so their shapes are what `subjectClaims` wrote. */
function readSubject(payload: Record<string, unknown>): AccessTokenClaims['subject'] {
  if (payload['person'] !== undefined) return { kind: 'person', person: payload['person'] as Delegator };
  const id = payload['client_id'] as SpiffeId;
  const trustDomain = id.slice('spiffe://'.length).split('/')[0]!;
  const agent: Agent = { id, trustDomain, attestation: payload['attestation'] as Agent['attestation'] };
  if (payload['task'] === undefined) return { kind: 'agent', agent };
  return {
    kind: 'task',
    agent,
    taskId: payload['task'] as string,
    grants: payload['authorization_details'] as Grant[],
  };
}
