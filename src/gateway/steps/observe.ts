import { jsonDigest } from '../../core/action.ts';
import { redactText } from '../../core/redact.ts';
import type { OutcomeRecord } from '../../core/record.ts';
import type { Exchange } from '../exchange.ts';
import type { Step } from '../pipeline.ts';
import type { StepParts } from './parts.ts';

const MAX_DETAIL = 500;

/**
 * Step 7: what became of a permitted action, as a record of its own. The answer does not wait for it: the effect has
 * happened, and a crash here leaves a decision without outcome, which the restart records as `unknown`.
 */
export function observeStep<Request, Answer>(parts: StepParts): Step<Request, Answer> {
  return {
    name: 'observe',
    run: (exchange) => {
      if (exchange.recordId === undefined || exchange.outcome === undefined) return undefined;
      parts.store
        .append([outcomeRecord(exchange, exchange.recordId, exchange.outcome, parts)])
        .catch((error: unknown) => parts.onFault(error, `outcome of \`${exchange.recordId}\` is not recorded`));
      return undefined;
    },
  };
}

function outcomeRecord(
  exchange: Exchange<unknown, unknown>,
  decision: string,
  outcome: NonNullable<Exchange<unknown, unknown>['outcome']>,
  parts: StepParts,
): OutcomeRecord {
  const now = parts.clock();
  return {
    version: 1,
    id: parts.newId('rec'),
    time: now,
    kind: 'outcome',
    decision,
    request: exchange.id,
    task: exchange.caller?.taskId ?? null,
    status: outcome.status,
    ...(outcome.detail === undefined ? {} : { detail: redactText(outcome.detail).slice(0, MAX_DETAIL).toWellFormed() }),
    ...(outcome.result === undefined ? {} : { result_digest: jsonDigest(outcome.result, parts.sha256) }),
    // A clock that jumped back must not make a record that claims a negative time.
    duration_ms: Math.max(0, now - exchange.receivedAt),
  };
}
