import { jsonDigest } from '../../core/action.ts';
import type { JsonValue } from '../../core/json.ts';
import { redactText } from '../../core/redact.ts';
import type { OutcomeRecord } from '../../core/record.ts';
import { resultValue } from '../../provenance/result-value.ts';
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
      const settled = settle(exchange, outcome, record, parts);
      settled.catch((error: unknown) => parts.onFault(error, `outcome of \`${recordId}\` is not recorded`));
      return undefined;
    },
  };
}

function settle(
  exchange: Exchange<unknown, unknown>,
  outcome: Outcome,
  record: OutcomeRecord,
  parts: StepParts,
): Promise<unknown> {
  const { taken, looked, chain = [], action } = exchange;
  // At once: what the agent has read is known before it can ask for anything more.
  const labels =
    looked === undefined || (outcome.nothingDone === true && outcome.read === undefined)
      ? []
      : parts.sources.read(looked, { id: record.decision, chain, value: valueRead(outcome) });
  if (record.given_back === true && taken !== undefined) return parts.store.giveBack(taken, [record]);
  const task = exchange.caller?.taskId;
  if (looked === undefined || action === undefined || typeof task !== 'string') return parts.store.appendSoon([record]);
  const { target, operation } = action;
  const succeeded = outcome.status === 'ok';
  return parts.store.recordOutcome({ task, target, operation, succeeded, labels }, [record]);
}

/** What the agent has read; `undefined` where that is not known. */
function valueRead({ status, result, read }: Outcome): JsonValue | undefined {
  if (read === null) return undefined;
  if (read !== undefined) return read.value;
  if (result !== undefined) return resultValue(result);
  return status === 'ok' ? undefined : null;
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
