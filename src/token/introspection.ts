import { Forbidden, InvalidClient, InvalidRequest } from '../core/errors.ts';
import { delegatorId } from '../core/party.ts';
import { notLive } from '../core/task.ts';
import type { RevokedTokenStore } from '../store/ports.ts';
import { authorize, refusedRecord, type Asker } from '../task/authorize.ts';
import { authenticateAsker, type AskerParts } from './authenticate-asker.ts';
import type { TokenRequest } from './exchange.ts';
import { CLIENT_PARAMETERS, readForm } from './form.ts';
import { readOwnToken, type OwnToken } from './own-token.ts';

export type IntrospectionParts = AskerParts & {
  revoked: Pick<RevokedTokenStore, 'isTokenRevoked'>;
  /** Which audiences a workload is the configured resource server of. */
  audiencesOf: (workload: string) => readonly string[];
};

/** RFC 7662, section 2.2. */
export type IntrospectionResponse =
  | { active: false }
  | ({ active: true; token_type: 'DPoP' | 'Bearer' } & Record<string, unknown>);

const INACTIVE = { active: false } as const;

/** What a resource server learns: the claims of RFC 9068, 8693, 9396 and 9449 in the token, and those of its task. */
const MEMBERS = [
  'iss',
  'sub',
  'aud',
  'client_id',
  'exp',
  'iat',
  'nbf',
  'jti',
  'scope',
  'cnf',
  'act',
  'authorization_details',
  'acr',
  'auth_time',
  'txn',
  'task',
  'attestation',
] as const;

/**
 * RFC 7662: whether a token is good at this moment, for the resource server that it is for and for nobody else. Of a token
 * that has expired, was revoked, rests on a task that is not live, or is for another resource, it learns nothing.
 *
 * @throws InvalidRequest, InvalidDpopProof; InvalidClient for whoever is no resource server; Unavailable when the answer
 *   could not be recorded.
 */
export async function introspectToken(http: TokenRequest, parts: IntrospectionParts): Promise<IntrospectionResponse> {
  const form = readForm(http.contentType, http.body, ['token', 'token_type_hint', ...CLIENT_PARAMETERS]);
  const asker = await authenticateAsker(http, form, '/introspect', parts);
  const audiences = asker.agent === null ? [] : parts.audiencesOf(asker.agent.id);
  if (audiences.length === 0) {
    throw new InvalidClient('only a resource server may ask; name it as `resource_server` in the file of its target');
  }
  if (form.token === undefined) throw new InvalidRequest('`token` is missing');
  const found = await readOwnToken(form.token, parts);
  // Anybody can show a resource server such a thing: it is no event, or strangers would fill the log.
  if (found === undefined) return INACTIVE;
  if (!audiences.includes(found.audience)) {
    const subject = { jti: found.claims.jti, audience: found.audience };
    const reason = 'the token is for another resource';
    await parts.log.append([refusedRecord(asker, { operation: 'token.introspect', subject, reason }, parts)]);
    return INACTIVE;
  }
  if (!(await permitted(found, asker, parts))) return INACTIVE;
  // Looked at last, so that what ended while the answer was recorded is not called active.
  return isActive(found, parts) ? answerOf(found) : INACTIVE;
}

/** Section 2.2: what the asker may not know is answered as inactive. Either decision is recorded. */
async function permitted({ claims, audience }: OwnToken, asker: Asker, parts: IntrospectionParts): Promise<boolean> {
  const own = {
    operation: 'token.introspect' as const,
    resources: [`token:${audience}`],
    arguments: { jti: claims.jti, audience },
    ...(claims.subject.kind === 'task' ? { chain: parts.tasks.chain(claims.subject.taskId) } : {}),
  };
  try {
    await parts.log.append([await authorize(asker, own, parts)]);
    return true;
  } catch (error) {
    if (error instanceof Forbidden) return false;
    throw error;
  }
}

/** Strictly: a resource server has clocks and tolerance of its own. */
function isActive({ claims }: OwnToken, parts: IntrospectionParts): boolean {
  const now = parts.clock();
  const { subject, sub, jti, exp } = claims;
  if (subject.kind !== 'task' || now >= exp * 1000 || parts.revoked.isTokenRevoked(jti)) return false;
  const chain = parts.tasks.chain(subject.taskId);
  const task = chain[0]?.task;
  if (task === undefined || task.agent.id !== subject.agent.id || delegatorId(task.delegator) !== sub) return false;
  return chain.every((level) => notLive(level.task, now) === null);
}

function answerOf({ claims, members }: OwnToken): IntrospectionResponse {
  const known = MEMBERS.flatMap((name) => (members[name] === undefined ? [] : [[name, members[name]] as const]));
  // RFC 8705 has no type of its own for what is bound to a certificate.
  const tokenType = claims.binding.kind === 'dpop' ? 'DPoP' : 'Bearer';
  return { active: true, token_type: tokenType, ...Object.fromEntries(known) };
}
