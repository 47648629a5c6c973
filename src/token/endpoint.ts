import { Forbidden, InvalidAssertion, InvalidGrant } from '../core/errors.ts';
import type { DecisionRecord } from '../core/record.ts';
import { authorize, type Asker } from '../task/authorize.ts';
import { issueAccessToken, type TokenSubject } from './access-token.ts';
import { checkAssertion } from './check-assertion.ts';
import { checkCertificate } from './check-certificate.ts';
import { checkDetails } from './check-details.ts';
import { checkForm } from './check-form.ts';
import { ACCESS_TOKEN_TYPE, checkGrantType } from './check-grant-type.ts';
import { checkLifetime } from './check-lifetime.ts';
import { checkProof } from './check-proof.ts';
import { checkResource } from './check-resource.ts';
import { checkScope } from './check-scope.ts';
import { checkSubject } from './check-subject.ts';
import type { Check, Exchange, TokenEndpointParts, TokenRequest, TokenResponse } from './exchange.ts';
import { takeUpTask } from './take-up-task.ts';

export type { TokenEndpointParts, TokenRequest, TokenResponse } from './exchange.ts';

/** The token endpoint: its checks, in order. */
const CHECKS: readonly [name: string, check: Check][] = [
  ['form', checkForm],
  ['grant type', checkGrantType],
  ['proof', checkProof],
  ['assertion', checkAssertion],
  ['resource', checkResource],
  ['subject', checkSubject],
  ['certificate', checkCertificate],
  ['lifetime', checkLifetime],
  ['scope', checkScope],
  ['details', checkDetails],
  ['task', takeUpTask],
];

/** How often a token is decided anew when the store finds that the task has changed meanwhile. */
const ATTEMPTS = 3;

/**
 * RFC 8693 token exchange, client credentials by SVID, and identity assertions as a JWT grant (RFC 7523). Every token is
 * bound to the key of the request's proof, or to the certificate of its connection, and is decided and recorded before it
 * exists.
 *
 * @throws InvalidRequest, InvalidDpopProof, InvalidTarget, InvalidClient, InvalidGrant, InvalidAssertion, InvalidScope,
 *   InvalidAuthorizationDetails, UnsupportedGrantType, and Forbidden when policy does not permit an agent a token of its own.
 */
export async function exchangeToken(http: TokenRequest, parts: TokenEndpointParts): Promise<TokenResponse> {
  const exchange = { http } as Exchange;
  for (const [, check] of CHECKS) await check(exchange, parts);
  const { resource, binding } = exchange;
  const subject = subjectOf(exchange);
  const id = parts.newId('tok');
  // INVARIANT 5: a crash after this line leaves a record of a token that nobody got, never the reverse.
  const expiresAt = await recordIssue(exchange, id, parts);
  const token = await issueAccessToken({ id, subject, audience: resource.audience, binding, expiresAt }, parts);
  return {
    access_token: token.accessToken,
    issued_token_type: ACCESS_TOKEN_TYPE,
    token_type: binding.kind === 'dpop' ? 'DPoP' : 'Bearer',
    expires_in: token.expiresIn,
    ...(subject.kind === 'task' ? { authorization_details: subject.grants } : {}),
    ...(subject.kind === 'task' && subject.scope !== undefined ? { scope: subject.scope } : {}),
  };
}

/**
 * INVARIANT 6: in the step that records the permit, every task of the chain is still live, and the token is kept as one of
 * the task's. When an end came first, it is decided anew, and denied on the record.
 *
 * Resolves with when the token ends, in ms since the epoch.
 *
 * @throws as decideIssue
 */
async function recordIssue(exchange: Exchange, id: string, parts: TokenEndpointParts): Promise<number> {
  const subject = subjectOf(exchange);
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const record = await decideIssue(exchange, parts);
    const most = record.decision.obligations?.max_lifetime_seconds ?? Infinity;
    const lifetime = Math.min(parts.lifetimeSeconds, most) * 1000;
    const expiresAt = Math.min(parts.clock() + lifetime, exchange.notAfter);
    if (subject.kind !== 'task') {
      await parts.log.append([record]);
      return expiresAt;
    }
    const chain = parts.tasks.chain(subject.task.id).map(({ task }) => task.id);
    const token = { id, expiresAt: expiresAt + parts.skewSeconds * 1000 };
    const admission = await parts.tasks.admit({ chain, counted: false, approval: null, token }, [record]);
    if (admission.admitted) return expiresAt;
  }
  throw new InvalidGrant('the task has just ended');
}

async function decideIssue(exchange: Exchange, parts: TokenEndpointParts): Promise<DecisionRecord> {
  const { resource, binding, http } = exchange;
  const subject = subjectOf(exchange);
  const own = {
    operation: 'token.issue' as const,
    resources: [`token:${resource.audience}`],
    arguments: { audience: resource.audience, key: binding.thumbprint },
    ...(subject.kind === 'task' ? { chain: parts.tasks.chain(subject.task.id) } : {}),
  };
  return authorize({ ...partiesOf(subject), token: null, request: http.request }, own, parts).catch(
    (cause: unknown) => {
      if (!(cause instanceof Forbidden) || exchange.grant === 'agent') throw cause;
      // RFC 8693, section 2.2.2, has one error for subjects and actors that policy does not accept; RFC 7521 another.
      const Refused = exchange.grant === 'assertion' ? InvalidAssertion : InvalidGrant;
      throw new Refused(cause.message, { cause });
    },
  );
}

/** The last check has made a task of what was asserted. */
function subjectOf({ subject }: Exchange): TokenSubject {
  if (subject.kind === 'asserted') throw new Error('what was asserted has become no task');
  return subject;
}

function partiesOf(subject: TokenSubject): Pick<Asker, 'agent' | 'delegator'> {
  switch (subject.kind) {
    case 'agent':
      return { agent: subject.agent, delegator: null };
    case 'person':
      return { agent: null, delegator: subject.person };
    case 'task':
      return { agent: subject.agent, delegator: subject.task.delegator };
  }
}
