import { InvalidGrant } from '../core/errors.ts';
import { delegatorId } from '../core/party.ts';
import type { Task } from '../core/task.ts';
import type { TokenKey } from './signing-key.ts';

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

/** @throws InvalidGrant */
export async function verifyTaskToken(
  token: string,
  parts: TaskTokenParts,
): Promise<{ taskId: string; mayAct: string }> {
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
    return { taskId: payload['task'], mayAct: actor };
  } catch (cause) {
    throw new InvalidGrant('the subject token is not a task token that is valid here', { cause });
  }
}
