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

/**
 * RFC 8693 token exchange, client credentials by SVID, and identity assertions as a JWT grant (RFC 7523). Every token is bound to the key of the request's proof, or to
 * the certificate of its connection, and is decided and recorded before it exists.
 *
 * @throws InvalidRequest, InvalidDpopProof, InvalidTarget, InvalidClient, InvalidGrant, InvalidAssertion, InvalidScope, InvalidAuthorizationDetails,
 *   UnsupportedGrantType, and Forbidden when policy does not permit an agent a token of its own.
 */
export async function exchangeToken(http: TokenRequest, parts: TokenEndpointParts): Promise<TokenResponse> {
  const exchange = { http } as Exchange;
  for (const [, check] of CHECKS) await check(exchange, parts);
  const { resource, binding } = exchange;
  const subject = subjectOf(exchange);
  // INVARIANT 5: a crash after this line leaves a record of a token that nobody got, never the reverse.
  const record = await decideIssue(exchange, parts);
  await parts.log.append([record]);
  const lifetime = Math.min(parts.lifetimeSeconds, record.decision.obligations?.max_lifetime_seconds ?? Infinity);
  const expiresAt = Math.min(parts.clock() + lifetime * 1000, exchange.notAfter);
  const token = await issueAccessToken({ subject, audience: resource.audience, binding, expiresAt }, parts);
  return {
    access_token: token.accessToken,
    issued_token_type: ACCESS_TOKEN_TYPE,
    token_type: binding.kind === 'dpop' ? 'DPoP' : 'Bearer',
    expires_in: token.expiresIn,
    ...(subject.kind === 'task' ? { authorization_details: subject.grants } : {}),
    ...(subject.kind === 'task' && subject.scope !== undefined ? { scope: subject.scope } : {}),
  };
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
