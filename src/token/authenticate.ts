import { InvalidToken, Unauthenticated } from '../core/errors.ts';
import { delegatorId } from '../core/party.ts';
import { hasEnded } from '../core/task.ts';
import type { Caller } from '../identity/caller.ts';
import type { DpopVerifier } from '../identity/dpop.ts';
import type { RevokedTokenStore, TaskStore } from '../store/ports.ts';
import type { WithGroups } from '../identity/agent-groups.ts';
import { readAccessToken, type AccessTokenClaims, type AccessTokenParts } from './access-token.ts';
import { VerifiedTokens } from './verified-tokens.ts';

const REMEMBERED = 10_000;
const MAX_TOKEN = 16 * 1024;

export type HttpRequest = {
  method: string;
  url: string;
  headers: Pick<Headers, 'get'>;
  /** Thumbprint of the client certificate of the connection; without it no token that is bound to one is taken. */
  certificate?: string | undefined;
};

export interface Authenticator {
  /**
   * INVARIANT 1: the caller behind a request to `audience`: a token of ours for exactly this audience, and a fresh proof
   * of the key that it is bound to, or a connection by the certificate that it is bound to.
   *
   * @throws Unauthenticated, InvalidToken, InvalidDpopProof
   */
  authenticate(request: HttpRequest, audience: string): Promise<Caller>;
}

export function createAuthenticator(
  parts: Omit<AccessTokenParts, 'newId'> & {
    dpop: DpopVerifier;
    tasks: Pick<TaskStore, 'task'>;
    revoked: Pick<RevokedTokenStore, 'isTokenRevoked'>;
    withGroups: WithGroups;
  },
): Authenticator {
  const verified = new VerifiedTokens<AccessTokenClaims>(REMEMBERED);
  const verify = (token: string, audience: string) =>
    readAccessToken(token, audience, parts).catch((cause: unknown) => {
      throw new InvalidToken('the access token is not valid here', { cause });
    });
  return {
    authenticate: async (request, audience) => {
      const { scheme, token } = shownToken(request);
      const claims = await verified.read(token, { audience, now: parts.clock(), keys: parts.key.removals }, verify);
      const { binding } = claims;
      if (binding.kind !== (scheme === 'dpop' ? 'dpop' : 'mtls')) {
        // RFC 9449, section 7.2: a bound token must not be accepted as a bearer token.
        throw new InvalidToken('the access token is bound otherwise; show it by the scheme of its `token_type`');
      }
      const proven = scheme === 'dpop' ? await provenKey(request, token, parts) : request.certificate;
      if (proven !== binding.thumbprint) {
        throw new InvalidToken(`the access token is bound to another ${scheme === 'dpop' ? 'key' : 'certificate'}`);
      }
      // INVARIANT 2 and 6: asked each time, remembered token or not, and last: nothing is waited for after it.
      const caller = callerOf(claims, parts);
      // What was revoked because its task ended goes on: the decision denies it, and what was tried is on the record.
      if (parts.revoked.isTokenRevoked(claims.jti) && !isOfEndedTask(caller, parts)) {
        throw new InvalidToken('the access token was revoked');
      }
      return caller;
    },
  };
}

function isOfEndedTask({ taskId }: Caller, { tasks }: { tasks: Pick<TaskStore, 'task'> }): boolean {
  const task = taskId === null ? undefined : tasks.task(taskId);
  return task !== undefined && hasEnded(task.state);
}

async function provenKey(
  request: HttpRequest,
  accessToken: string,
  { dpop, issuer }: { dpop: DpopVerifier; issuer: string },
): Promise<string> {
  const proof = request.headers.get('dpop');
  const { jkt } = await dpop.verify({
    // Several header lines arrive joined by a comma, which no JWS contains.
    proofs: proof === null ? [] : proof.split(','),
    method: request.method,
    // What the caller meant is the name that Remit is known by, whatever a proxy made of `Host`.
    url: `${issuer}${new URL(request.url).pathname}`,
    accessToken,
  });
  return jkt;
}

/** `Bearer` is the scheme of tokens that are bound to a certificate (RFC 8705, section 3), and of no others here. */
function shownToken({ headers, certificate }: HttpRequest): { scheme: 'dpop' | 'bearer'; token: string } {
  const header = headers.get('authorization');
  if (header === null) throw new Unauthenticated('an access token is needed');
  const [name, token, ...rest] = header.split(' ');
  const scheme = name?.toLowerCase();
  if (scheme === 'bearer' && certificate === undefined) {
    throw new InvalidToken('tokens are bound to a key; use the DPoP scheme with a proof');
  }
  if ((scheme !== 'dpop' && scheme !== 'bearer') || token === undefined || token === '' || rest.length > 0) {
    throw new InvalidToken('the Authorization header is not a DPoP access token');
  }
  if (token.length > MAX_TOKEN) throw new InvalidToken('the access token is too long');
  return { scheme, token };
}

function callerOf(
  claims: AccessTokenClaims,
  parts: { tasks: Pick<TaskStore, 'task'>; withGroups: WithGroups },
): Caller {
  const token: Caller['token'] = {
    id: claims.jti,
    key: claims.binding.thumbprint,
    issuedAt: claims.iat * 1000,
    expiresAt: claims.exp * 1000,
    binding: claims.binding.kind,
  };
  const { subject } = claims;
  switch (subject.kind) {
    case 'agent':
      return { agent: parts.withGroups(subject.agent), delegator: null, taskId: null, grants: [], token };
    case 'person':
      return { agent: null, delegator: subject.person, taskId: null, grants: [], token };
    case 'task': {
      const task = parts.tasks.task(subject.taskId);
      if (task === undefined || task.agent.id !== subject.agent.id || delegatorId(task.delegator) !== claims.sub) {
        throw new InvalidToken('the access token is not for a task that exists here');
      }
      const { taskId, grants } = subject;
      // By the configuration of now, and not of when the token was issued.
      return { agent: parts.withGroups(subject.agent), delegator: task.delegator, taskId, grants, token };
    }
  }
}
