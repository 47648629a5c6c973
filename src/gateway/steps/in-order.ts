import { usedAfter } from '../../core/budget.ts';
import type { Decision, DecisionInput, TaskView } from '../../core/decision.ts';
import { Unavailable } from '../../core/errors.ts';
import { doneAfter, labelsWith } from '../../core/trail.ts';
import type { Exchange } from '../exchange.ts';
import { gather } from './gather.ts';
import { decideNow, gathered, type Gathered, type StepParts } from './parts.ts';
import { ATTEMPTS, endIfAutomated, entryOf, settle, takenBy, type Decided } from './record.ts';

type Settling<Request, Answer> = Gathered<Request, Answer> & { decision: Decision; decidedOn: DecisionInput };

/**
 * Steps 3 to 5 for the actions of one call, in their order. Each is decided by itself, on what those before it have taken and
 * done, and as many as possible become durable in one commit (invariant 5). Returns how many were settled: those behind the
 * first that `stopsAfter` says were never decided.
 *
 * @throws Unavailable when something could not be recorded. What stands before it may have been, and then counts.
 */
export async function settleInOrder<Request, Answer>(
  exchanges: readonly Exchange<Request, Answer>[],
  { stopsAfter, parts }: { stopsAfter: (decision: Decision) => boolean; parts: StepParts },
): Promise<number> {
  let settled = 0;
  let attempts = 0;
  while (settled < exchanges.length) {
    const run = decideRun(exchanges.slice(settled), { stopsAfter, parts });
    const count = await recordRun(run, parts);
    settled += count;
    if (count === run.length && stopsAfter(run.at(-1)!.decision)) break;
    // A task ended, a budget ran out or an approval was spent between decision and gate: decide the rest on what is now.
    attempts = count === 0 ? attempts + 1 : 0;
    if (attempts === ATTEMPTS) throw new Unavailable('the task is changing too fast to decide; try again');
  }
  return settled;
}

/** Decides what can become durable together: up to the first hold, which asks people, or what ends the task or the call. */
function decideRun<Request, Answer>(
  exchanges: readonly Exchange<Request, Answer>[],
  { stopsAfter, parts }: { stopsAfter: (decision: Decision) => boolean; parts: StepParts },
): Settling<Request, Answer>[] {
  const run: Settling<Request, Answer>[] = [];
  let ahead: TaskView[] | undefined;
  for (const exchange of exchanges) {
    gather(exchange, parts, ahead);
    decideNow(gathered(exchange), parts);
    const decided = exchange as Settling<Request, Answer>;
    run.push(decided);
    const { outcome } = decided.decision;
    if (outcome === 'hold' || stopsAfter(decided.decision)) break;
    if (outcome === 'permit') ahead = afterPermit(decided);
    else if (decided.chain[0]?.task.profile?.automated === true) break;
  }
  return run;
}

/** The chain as it stands once the action is admitted, which is what the store will say of it then. */
function afterPermit({ decidedOn, looked }: Settling<unknown, unknown>): TaskView[] {
  const { chain, action, now } = decidedOn;
  const { counted, draws = [] } = takenBy(decidedOn);
  const [acting, ...above] = chain.map((view) => ({
    ...view,
    used: usedAfter(view.used, { calls: counted ? 1 : 0, draws: draws.filter(({ task }) => task === view.task.id) }, 1),
  }));
  if (acting === undefined || !counted) return [...chain];
  const labels = labelsWith(acting.labels ?? [], looked?.labels ?? []);
  return [{ ...acting, labels, done: doneAfter(acting.done ?? {}, { ...action, at: now }) }, ...above];
}

/** Makes a run durable as far as its permits are admitted. Returns how many of it are. */
async function recordRun(run: readonly Settling<unknown, unknown>[], parts: StepParts): Promise<number> {
  const held = run.at(-1)?.decision.outcome === 'hold' ? run.at(-1) : undefined;
  const together = held === undefined ? run : run.slice(0, -1);
  const entries = together.map((exchange) => entryOf(exchange, decidedOf(exchange), parts));
  const count = entries.length === 0 ? 0 : await parts.store.admitInOrder(entries);
  for (const [place, exchange] of together.slice(0, count).entries()) {
    entries[place]!.settled();
    consider(exchange, parts);
    // Only the last of a run can be what an automated task ends for.
    await endIfAutomated(decidedOf(exchange), parts);
  }
  if (held === undefined || count < together.length) return count;
  await settle(held, decidedOf(held), parts);
  consider(held, parts);
  return count + 1;
}

function decidedOf({ decision, decidedOn }: Settling<unknown, unknown>): Decided {
  return { decision, input: decidedOn };
}

function consider({ recordId, decidedOn, decision }: Settling<unknown, unknown>, parts: StepParts): void {
  parts.referee.consider({ record: recordId!, input: decidedOn, decision });
}
