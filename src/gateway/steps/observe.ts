import { jsonDigest } from '../../core/action.ts';
import { redactText } from '../../core/redact.ts';
import type { OutcomeRecord } from '../../core/record.ts';
import type { Taken } from '../../store/ports.ts';
import type { Exchange, Outcome } from '../exchange.ts';
import type { Step } from '../pipeline.ts';
import type { StepParts } from './parts.ts';

const MAX_DETAIL = 500;

/**
 * Step 7: what became of a permitted action, as a record of its own. The answer does not wait for it: the effect has
 * happened, and a crash here leaves a decision without outcome, which the restart records as `unknown`. What the action took
 * from budgets is given back with it when nothing was done, and stays taken where that is in doubt.
 */
export function observeStep<Request, Answer>(parts: StepParts): Step<Request, Answer> {
  return {
    name: 'observe',
    run: (exchange) => {
      if (exchange.recordId === undefined || exchange.outcome === undefined) return undefined;
      const { outcome, recordId } = exchange;
      const record = outcomeRecord(exchange, recordId, outcome, parts);
      const { taken } = exchange;
      const settled =
        record.given_back === true && taken !== undefined
          ? parts.store.giveBack(taken, [record])
          : parts.store.appendSoon([record]);
      settled.catch((error: unknown) => parts.onFault(error, `outcome of \`${recordId}\` is not recorded`));
      return undefined;
    },
  };
}

function outcomeRecord(
  exchange: Exchange<unknown, unknown>,
  decision: string,
  outcome: Outcome,
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
    ...(outcome.nothingDone === true && tookAnything(exchange.taken) ? { given_back: true } : {}),
    ...(outcome.result === undefined ? {} : { result_digest: jsonDigest(outcome.result, parts.sha256) }),
    ...(outcome.credential === undefined ? {} : { credential: outcome.credential }),
    // A clock that jumped back must not make a record that claims a negative time.
    duration_ms: Math.max(0, now - exchange.receivedAt),
  };
}

function tookAnything(taken: Taken | undefined): boolean {
  return taken !== undefined && (taken.counted || (taken.draws ?? []).length > 0);
}
