import { InvalidGrant } from '../core/errors.ts';
import { delegatorId } from '../core/party.ts';
import type { Task } from '../core/task.ts';
import type { TokenKey } from './signing-key.ts';
import { VerifiedTokens } from './verified-tokens.ts';

/** The subject token of an exchange: Remit's statement that an agent may act for a task's delegator. */
export const TASK_TOKEN_TYPE = 'urn:remit:params:oauth:token-type:task';

const TYP = 'remit-task+jwt';

export type TaskTokenParts = {
  key: TokenKey;
  issuer: string;
  clock: () => number;
  newId: (prefix: string) => string;
  skewSeconds: number;
};

/** Useless without the SVID and a key of the agent in `may_act` (RFC 8693, section 4.4). Lives as long as the task. */
export function issueTaskToken(task: Task, parts: TaskTokenParts): Promise<string> {
  return parts.key.sign(TYP, {
    iss: parts.issuer,
    aud: parts.issuer,
    sub: delegatorId(task.delegator),
    may_act: { sub: task.agent.id },
    task: task.id,
    jti: parts.newId('tkt'),
    iat: Math.floor(parts.clock() / 1000),
    exp: Math.floor(task.window.expiresAt / 1000),
  });
}

type TaskTokenClaims = { taskId: string; mayAct: string; exp: number };

/** An agent shows its task token for each target, and again when an access token has expired. */
const REMEMBERED = 10_000;
const remembered = new WeakMap<TokenKey, VerifiedTokens<TaskTokenClaims>>();

/** What the task may still do is asked each time, of the task. @throws InvalidGrant */
export async function verifyTaskToken(token: string, parts: TaskTokenParts): Promise<TaskTokenClaims> {
  const { key, issuer, clock } = parts;
  let verified = remembered.get(key);
  if (verified === undefined) remembered.set(key, (verified = new VerifiedTokens(REMEMBERED)));
  const expected = { audience: issuer, now: clock(), keys: key.removals };
  return verified.read(token, expected, () => readTaskToken(token, parts));
}

async function readTaskToken(token: string, parts: TaskTokenParts): Promise<TaskTokenClaims> {
  try {
    const payload = await parts.key.verify(token, {
      typ: TYP,
      issuer: parts.issuer,
      audience: parts.issuer,
      now: parts.clock(),
      skewSeconds: parts.skewSeconds,
    });
    const mayAct = payload['may_act'];
    const actor: unknown = typeof mayAct === 'object' && mayAct !== null && 'sub' in mayAct ? mayAct.sub : undefined;
    if (typeof payload['task'] !== 'string' || typeof actor !== 'string') throw new Error('claims');
    return { taskId: payload['task'], mayAct: actor, exp: payload.exp! };
  } catch (cause) {
    throw new InvalidGrant('the subject token is not a task token that is valid here', { cause });
  }
}
