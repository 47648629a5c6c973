import type { Decision, Obligations } from '../../core/decision.ts';
import type { JsonObject, JsonValue } from '../../core/json.ts';
import { accessRequestTask } from '../../server/access-request.ts';
import { refusalOf } from '../refusal.ts';
import type { AskedExchange } from './request.ts';

/** Authorization API 1.0, section 6.2. */
export type EvaluationAnswer = { decision: boolean; context: JsonObject };

/**
 * What was decided. INVARIANT 4: `true` is a permit and nothing else. `evaluation_id` names the record. What has to be kept to is in
 * the shape of the Obligations profile, and what was asked of people in that of the Access Request and Approval Profile (drafts
 * of 2026): whoever cannot keep to an obligation has to take the permit for a denial.
 */
export function evaluationAnswer(exchange: AskedExchange, publicUrl: string): EvaluationAnswer {
  const { decision, decidedOn, recordId } = exchange;
  if (decision === undefined || decidedOn === undefined || recordId === undefined) {
    throw new Error('a question is answered before it is decided');
  }
  if (decision.outcome === 'permit') {
    return { decision: true, context: { evaluation_id: recordId, ...obligationsOf(decision) } };
  }
  const { text, remit } = refusalOf({ ...exchange, decision });
  return {
    decision: false,
    context: {
      evaluation_id: recordId,
      evaluated_at: new Date(decidedOn.now).toISOString(),
      reason: text,
      ...accessRequestOf(exchange, publicUrl),
      remit,
    },
  };
}

/** An entry that could not be read, section 7.2.1: never a reason to carry anything out. */
export function unreadableAnswer(problem: string): EvaluationAnswer {
  return { decision: false, context: { error: { status: 400, message: problem } } };
}

function obligationsOf({ obligations }: Decision): { obligations?: JsonValue } {
  return obligations === undefined ? {} : { obligations: [lifetime(obligations)] };
}

function lifetime({ maxLifetimeSeconds }: Obligations): JsonObject {
  const type = 'urn:remit:obligation:max_lifetime';
  return { id: 'max_lifetime', type, properties: { seconds: maxLifetimeSeconds } };
}

function accessRequestOf({ waitingFor }: AskedExchange, publicUrl: string): { access_request?: JsonObject } {
  if (waitingFor?.state !== 'pending') return {};
  const { id, expiresAt } = waitingFor;
  return { access_request: accessRequestTask({ id, status: 'pending', expiresAt }, publicUrl) };
}
