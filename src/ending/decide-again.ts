import { jsonDigest, type Sha256Hex } from '../core/action.ts';
import type { Decision, DecisionInput, Reason } from '../core/decision.ts';
import type { DecisionRecord, LogRecord } from '../core/record.ts';
import { hasEnded, type Task } from '../core/task.ts';
import type { Pdp } from '../pdp/pdp.ts';
import { recordedInput } from '../policy/recorded-input.ts';
import type { LogStore, TaskStore } from '../store/ports.ts';
import { createArguments } from '../task/create-arguments.ts';
import type { Lifecycle } from '../task/lifecycle.ts';

export type DecideAgainParts = {
  store: Pick<TaskStore, 'live' | 'task'> & Pick<LogStore, 'indexOf' | 'entries'>;
  /** The set in force. */
  pdp: () => Pdp;
  lifecycle: Pick<Lifecycle, 'endUnasked'>;
  sha256: Sha256Hex;
  /** Must not throw. */
  onProblem: (error: unknown, about: string) => void;
};

/** Has live tasks decided again when another policy set is in force, and ends those that it would not have permitted. */
export interface DecideAgain {
  /** Of all live tasks, in the background: neither a publication nor a decision waits for it. */
  begin(): void;
  /** Of a task that was made just now, when another set came in force between its decision and its making. */
  made(task: Task): void;
  /** Begins again what could not be done the last time. */
  sweep(): void;
  settled(): Promise<void>;
  /** Looks at no further task. Resolves when the one under way is done. */
  stop(): Promise<void>;
}

/** So many are looked at before others have their turn. */
const SLICE = 50;

/** What policy alone says. Anything else was so when the task was made, or is no verdict on it. */
const FORBIDDEN: ReadonlySet<Reason['code']> = new Set(['no_policy', 'policy_forbids', 'policy_error']);

export function createDecideAgain(parts: DecideAgainParts): DecideAgain {
  let running: Promise<void> = Promise.resolve();
  let round = 0;
  let unfinished = false;

  async function decideAll(mine: number): Promise<void> {
    const tasks = parts.store.live();
    for (const [place, task] of tasks.entries()) {
      if (place % SLICE === 0) await new Promise((resolve) => setImmediate(resolve));
      // Another set came in force meanwhile, and a round of its own.
      if (mine !== round) return;
      await look(task);
    }
  }

  async function look(task: Task): Promise<void> {
    try {
      const now = parts.store.task(task.id);
      if (now === undefined || hasEnded(now.state)) return;
      const end = objectionTo(task, parts);
      if (end === null) return;
      await parts.lifecycle.endUnasked(task, {
        to: 'revoked',
        cause: 'policy',
        reason: `policy no longer allows it: ${end.message}`.slice(0, 500).toWellFormed(),
        about: { policy_set: end.policySet, policies: end.policies, decision: task.decision ?? null },
      });
    } catch (error) {
      unfinished = true;
      parts.onProblem(error, `task \`${task.id}\` is not decided again`);
    }
  }

  function begin(): void {
    unfinished = false;
    const mine = ++round;
    running = running.then(() => decideAll(mine));
  }

  return {
    begin,
    made: (task) => void (running = running.then(() => look(task))),
    sweep: () => {
      if (unfinished) begin();
    },
    settled: () => running,
    stop: () => {
      round++;
      return running;
    },
  };
}

type Objection = { message: string; policySet: string; policies: string[] };

/**
 * Why the set in force would not have permitted the task to be made or handed on, on what was recorded then. `null` when it
 * would have, or would have asked somebody: whoever may be asked has not said no. INVARIANT 4: a task whose decision cannot
 * be made again is not permitted; one that an older version has made has no decision, and lives out its window.
 */
function objectionTo(task: Task, { store, pdp, sha256 }: DecideAgainParts): Objection | null {
  if (task.decision === undefined) return null;
  const engine = pdp();
  const record = recordOf(task.decision, store);
  if (record?.decision.policy_set === engine.policySet) return null;
  const input = record === undefined ? null : inputOf(task, record, sha256);
  if (input === null) {
    return { message: 'what it was decided on is not known any more', policySet: engine.policySet, policies: [] };
  }
  const decision = engine.decide(input);
  return isForbidden(decision)
    ? { message: decision.reasons[0]!.message, policySet: decision.policySet, policies: decision.policies }
    : null;
}

function isForbidden({ outcome, reasons }: Decision): boolean {
  return outcome === 'deny' && reasons.some(({ code }) => FORBIDDEN.has(code));
}

function recordOf(id: string, store: Pick<LogStore, 'indexOf' | 'entries'>): DecisionRecord | undefined {
  const index = store.indexOf(id);
  const entry = index === undefined ? undefined : store.entries(index, 1)[0]?.entry;
  const record = entry === undefined ? undefined : (JSON.parse(entry) as LogRecord);
  return record?.kind === 'decision' ? record : undefined;
}

/** What the record redacts of the arguments is in the task itself. */
function inputOf(task: Task, record: DecisionRecord, sha256: Sha256Hex): DecisionInput | null {
  const { input } = recordedInput(record, sha256);
  if (input === null || record.action.operation !== 'task.create') return input;
  const whole = createArguments(task);
  if (jsonDigest(whole, sha256) !== record.action.arguments_digest) return input;
  return { ...input, action: { ...input.action, arguments: whole } };
}
