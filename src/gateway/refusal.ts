import type { Approval } from '../core/approval.ts';
import type { Decision } from '../core/decision.ts';
import type { JsonObject } from '../core/json.ts';
import type { Exchange } from './exchange.ts';

/** How long a client should wait before it asks again whether the approval has been given. */
export const RETRY_AFTER_MS = 5000;

type Refused = Pick<Exchange<unknown, unknown>, 'waitingFor' | 'notAsked' | 'recordId'> & { decision: Decision };

/** A deny or hold for whoever called, whatever the protocol: `text` for a reader or a model, `remit` for a program. */
export function refusalOf(refused: Refused): { text: string; remit: JsonObject } {
  const { decision, waitingFor, notAsked, recordId } = refused;
  const remit: JsonObject = {
    decision: decision.outcome,
    codes: decision.reasons.map((reason) => reason.code),
    reasons: decision.reasons.map((reason) => reason.message),
    next: decision.reasons.flatMap((reason) => reason.next ?? []),
    ...(waitingFor === undefined
      ? {}
      : {
          approval: {
            id: waitingFor.id,
            state: waitingFor.state,
            approvers: waitingFor.approvers,
            expires_at: waitingFor.expiresAt,
            ...(waitingFor.state === 'refused' ? {} : { retry_after_ms: RETRY_AFTER_MS }),
          },
        }),
    ...(notAsked === undefined ? {} : { not_asked: notAsked }),
    record: recordId ?? null,
  };
  return { text: textOf(refused), remit };
}

/** What was decided, why, and what to do next. */
function textOf({ decision, waitingFor, notAsked }: Refused): string {
  const reasons = decision.reasons.map((reason) => reason.message).join('; ');
  if (waitingFor?.state === 'refused') return refusedText(waitingFor);
  if (decision.outcome === 'hold' && waitingFor !== undefined) {
    const approvers = waitingFor.approvers.map((approver) => `\`${approver}\``).join(' and ');
    const why = reasons === '' ? '' : ` (${reasons})`;
    return `held: approval \`${waitingFor.id}\` is needed from ${approvers}${why}; call again with the same arguments after it is approved`;
  }
  if (notAsked !== undefined) return `held: ${reasons}; nobody is asked to approve it: ${notAsked}`;
  const next = decision.reasons.flatMap((reason) => reason.next ?? []).join('; ');
  return `denied: ${reasons}${next === '' ? '' : `; next: ${next}`}`;
}

/** An approver has read it and said no: asking again changes nothing, and another action may be what they want. */
function refusedText({ id, answers, expiresAt }: Approval): string {
  const reason = answers.find(({ to }) => to === 'refused')?.reason;
  const why = reason === undefined ? '' : `: ${reason}`;
  const until = new Date(expiresAt).toISOString();
  return `refused: approval \`${id}\` was refused${why}; do not ask for the same again before ${until}`;
}
