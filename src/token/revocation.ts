import { Conflict, Forbidden, InvalidGrant, InvalidRequest } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { delegatorId } from '../core/party.ts';
import type { EventRecord } from '../core/record.ts';
import { hasEnded, type Task } from '../core/task.ts';
import type { RevokedTokenStore } from '../store/ports.ts';
import { askerName, refusedRecord, type Asker } from '../task/authorize.ts';
import type { Lifecycle } from '../task/lifecycle.ts';
import { isParty } from '../task/party.ts';
import type { AccessTokenClaims } from './access-token.ts';
import { authenticateAsker, type AskerParts } from './authenticate-asker.ts';
import type { TokenRequest } from './exchange.ts';
import { CLIENT_PARAMETERS, readForm } from './form.ts';
import { readOwnToken, type OwnToken } from './own-token.ts';
import { verifyTaskToken } from './task-token.ts';

export type RevocationParts = AskerParts & {
  lifecycle: Pick<Lifecycle, 'complete' | 'revoke'>;
  revoked: RevokedTokenStore;
  /** Hears of each revoked access token right after it is durable, and cuts what was begun with it. Must not throw. */
  onRevoked: (tokenId: string) => void;
};

/** How long after its expiry a token is remembered as revoked, for a clock that was ahead and is set back. */
export const REVOKED_MARGIN_MS = 3_600_000;

/**
 * RFC 7009. An access token is refused from now on, and what was begun with it is cut. A task token ends its task, and
 * with it all that rests on the task: children, sessions, streams, approvals and every token. What is no token of ours,
 * or none any more, is as revoked as it can be (section 2.2).
 *
 * @throws InvalidRequest, InvalidClient, InvalidDpopProof; Forbidden for the token of another client, on the record;
 *   Unavailable when the revocation could not be stored (section 2.2.1).
 */
export async function revokeToken(http: TokenRequest, parts: RevocationParts): Promise<void> {
  const form = readForm(http.contentType, http.body, ['token', 'token_type_hint', ...CLIENT_PARAMETERS]);
  const asker = await authenticateAsker(http, form, '/revoke', parts);
  if (form.token === undefined) throw new InvalidRequest('`token` is missing');
  // Section 2.1: the hint may be wrong, so both kinds are looked for whatever it says.
  const found = await readOwnToken(form.token, parts);
  if (found !== undefined) return revokeAccessToken(found, asker, parts);
  const task = await taskOf(form.token, parts);
  if (task !== undefined) await endTask(task, asker, parts);
}

/** Giving up what one holds needs no permit: a policy that is missing or fails must not keep a leaked token alive. */
async function revokeAccessToken(found: OwnToken, asker: Asker, parts: RevocationParts): Promise<void> {
  const { claims, audience } = found;
  const subject: JsonObject = {
    jti: claims.jti,
    audience,
    ...(claims.subject.kind === 'task' ? { task: claims.subject.taskId } : {}),
  };
  if (!isOwn(claims, asker)) return refuse(asker, subject, parts);
  const at = parts.clock();
  const keepUntil = (claims.exp + parts.skewSeconds) * 1000 + REVOKED_MARGIN_MS;
  await parts.revoked.revokeToken({ id: claims.jti, at, keepUntil }, [revokedRecord(asker, subject, parts)]);
  // Also for one that was revoked before: the answer to that may have been lost, and with it the cut.
  parts.onRevoked(claims.jti);
}

/** Section 2.1: the client that the token was issued to, or the person on whose behalf. */
function isOwn({ sub, subject }: AccessTokenClaims, { agent, delegator }: Asker): boolean {
  if (agent !== null) return subject.kind !== 'person' && subject.agent.id === agent.id;
  return delegator !== null && subject.kind !== 'agent' && sub === delegatorId(delegator);
}

/** The task of a task token that has not ended yet. */
async function taskOf(token: string, parts: RevocationParts): Promise<Task | undefined> {
  try {
    const { taskId } = await verifyTaskToken(token, parts);
    const task = parts.tasks.chain(taskId)[0]?.task;
    return task === undefined || hasEnded(task.state) ? undefined : task;
  } catch (error) {
    if (error instanceof InvalidGrant) return undefined;
    throw error;
  }
}

/** An agent that hands its task back is done with it; a person takes the task back. Policy decides either. */
async function endTask(task: Task, asker: Asker, parts: RevocationParts): Promise<void> {
  if (!isParty(asker, task)) return refuse(asker, { task: task.id }, parts);
  const { lifecycle } = parts;
  const ended =
    asker.agent === null
      ? lifecycle.revoke(asker, task.id, 'its task token was revoked')
      : lifecycle.complete(asker, task.id);
  await ended.catch((error: unknown) => {
    // Somebody else has ended it meanwhile.
    if (!(error instanceof Conflict)) throw error;
  });
}

async function refuse(asker: Asker, subject: JsonObject, parts: RevocationParts): Promise<never> {
  const reason = 'the token was issued to another client';
  await parts.log.append([refusedRecord(asker, { operation: 'token.revoke', subject, reason }, parts)]);
  throw new Forbidden(reason);
}

function revokedRecord(asker: Asker, subject: JsonObject, parts: RevocationParts): EventRecord {
  return {
    version: 1,
    id: parts.newId('rec'),
    time: parts.clock(),
    kind: 'event',
    event: 'token.revoked',
    subject: { request: asker.request, ...subject, by: askerName(asker) },
  };
}
