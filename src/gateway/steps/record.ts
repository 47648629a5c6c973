import { drawsOf, isCounted } from '../../core/budget.ts';
import { ask } from '../../approval/ask.ts';
import type { Decision, DecisionInput, Reason } from '../../core/decision.ts';
import { decisionRecord } from '../../core/decision-record.ts';
import { Unavailable } from '../../core/errors.ts';
import { delegatorId } from '../../core/party.ts';
import type { DecisionRecord } from '../../core/record.ts';
import type { AdmissionRequest, Records, Taken } from '../../store/ports.ts';
import type { Step } from '../pipeline.ts';
import { gather } from './gather.ts';
import { decideNow, gathered, type Gathered, type StepParts } from './parts.ts';

/** How often a decision is made anew when the last gate finds that the world has moved on. */
export const ATTEMPTS = 4;

/**
 * Step 5: the decision becomes durable, and with it, in one atomic step, what it uses up: a call of the budget, the
 * approval, and what it may bring into the world. Only then may the target see anything (invariant 5). `refuse` says no in the PEP's protocol.
 */
export function recordStep<Request, Answer>(
  parts: StepParts,
  refuse: (exchange: Gathered<Request, Answer> & { decision: Decision }) => Answer,
): Step<Request, Answer> {
  return {
    name: 'record',
    run: async (unchecked) => {
      const exchange = gathered(unchecked);
      for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
        const { decision, decidedOn: input } = exchange;
        if (decision === undefined || input === undefined) throw new Error('a pipeline records before it has decided');
        if (await settle(exchange, { decision, input }, parts)) {
          parts.referee.consider({ record: exchange.recordId!, input, decision });
          return decision.outcome === 'permit' ? undefined : refuse(Object.assign(exchange, { decision }));
        }
        // A task ended, a budget ran out or an approval was spent between decision and gate: decide on what is now.
        gather(exchange, parts);
        decideNow(exchange, parts);
      }
      throw new Unavailable('the task is changing too fast to decide; try again');
    },
  };
}

/** Makes the decision durable. `false`: a permit was not admitted, and nothing was recorded. */
export async function settle(
  exchange: Gathered<unknown, unknown>,
  decided: Decided,
  parts: StepParts,
): Promise<boolean> {
  const { input, decision } = decided;
  if (decision.outcome === 'hold') {
    const record = recordOf(exchange, decided, parts);
    const asked = await ask({ input, decision, digest: exchange.digest, record }, parts);
    if ('waitsFor' in asked) exchange.waitingFor = asked.waitsFor;
    else exchange.notAsked = asked.notAsked;
    return true;
  }
  const { request, records, settled } = entryOf(exchange, decided, parts);
  if (request === undefined) await parts.store.append(records);
  else if (!(await parts.store.admit(request, records)).admitted) return false;
  settled();
  await endIfAutomated(decided, parts);
  return true;
}

export type Decided = { decision: Decision; input: DecisionInput };

/** What makes a permit or a denial durable; `settled` is for once it is. */
export type Entry = { request?: AdmissionRequest; records: Records; settled: () => void };

export function entryOf(exchange: Gathered<unknown, unknown>, decided: Decided, parts: StepParts): Entry {
  const { decision, input } = decided;
  const record = recordOf(exchange, decided, parts);
  if (decision.outcome !== 'permit') return { records: [record(null)], settled: () => {} };
  const spent = decision.liftedByApproval.length > 0 ? (exchange.approval ?? null) : null;
  const taken = takenBy(input);
  const { target, leases = [] } = exchange.action;
  const permit = record(spent === null ? null : { id: spent.id, approvers: spent.approvers.map(delegatorId) });
  const { chain, action } = input;
  const intended = parts.leases.intend({ action, chain, decision: permit.id });
  return {
    request: {
      ...taken,
      approval: spent?.id ?? null,
      target,
      // INVARIANT 11: before anything of the result can be read, the task has the labels that it will have.
      labels: exchange.looked?.labels ?? [],
      ...(leases.length === 0 ? {} : { uses: leases.map(({ id }) => id) }),
      ...(intended === null ? {} : { lease: intended.lease }),
    },
    records: intended === null ? [permit] : [permit, intended.record],
    settled: () => {
      exchange.taken = taken;
      if (exchange.looked !== undefined) parts.sources.sends(exchange.looked, { chain });
      if (intended !== null) exchange.intended = intended;
    },
  };
}

function recordOf(exchange: Gathered<unknown, unknown>, { decision, input }: Decided, parts: StepParts) {
  return (approval: { id: string; approvers: string[] } | null): DecisionRecord =>
    decisionRecord(
      {
        id: (exchange.recordId = parts.newId('rec')),
        request: exchange.id,
        input,
        decision,
        approval,
        token: { id: exchange.caller.token.id, key: exchange.caller.token.key },
        ...(exchange.enforcedBy === undefined ? {} : { enforcedBy: exchange.enforcedBy }),
      },
      parts.sha256,
    );
}

/** A task that its agent started by itself does not go on after a step outside of it: nobody is there to see the next. */
export async function endIfAutomated({ input, decision }: Decided, parts: StepParts): Promise<void> {
  const task = input.chain[0]?.task;
  if (decision.outcome !== 'deny' || task?.profile?.automated !== true || task.state !== 'active') return;
  const outside = decision.reasons.find(({ code }) => OUTSIDE.has(code));
  if (outside !== undefined) await parts.endAutomated(task, outside.message);
}

/** Reasons that are of the action, and not of how Remit or the target fares just now. */
const OUTSIDE: ReadonlySet<Reason['code']> = new Set([
  'unknown_operation',
  'outside_grant',
  'over_sensitivity',
  'over_budget',
  'no_policy',
  'policy_forbids',
]);

/** What a permitted action takes from the budgets of its chain: reserved here, and given back if it does not happen. */
export function takenBy({ chain, action }: DecisionInput): Taken {
  const drawn = drawsOf(chain, action);
  if ('problem' in drawn) throw new Error('an action was permitted that its budgets do not hold');
  return { chain: chain.map(({ task }) => task.id), counted: isCounted(action), draws: drawn.draws };
}
