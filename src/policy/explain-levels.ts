import { decide } from '../core/decide.ts';
import type { DecisionInput, Reason, TaskView } from '../core/decision.ts';
import { EFFECTS } from '../core/effect.ts';
import type { CheckArguments, Grant } from '../core/grant.ts';
import type { JsonObject } from '../core/json.ts';

/** What one level of the chain, or the token, says of an action before policy is asked. */
export type LevelExplanation = {
  level: 'task' | 'token';
  /** Of a task. */
  task: string | null;
  agent: string | null;
  /** Why this level denies, or `null`. */
  objection: Reason | null;
  /** What it was compared with. */
  values: JsonObject;
};

/** Each level by itself, through the very function that decides: the acting task first, the root last, then the token. */
export function explainLevels(input: DecisionInput, checkArguments: CheckArguments): LevelExplanation[] {
  // What speaks of no level must not hide what a level says.
  const asked: DecisionInput = { ...input, fresh: true, action: { ...input.action, definition: 'pinned' } };
  delete asked.action.undescribed;
  const objection = (chain: readonly TaskView[], token: DecisionInput['token']): Reason | null => {
    const { outcome, reasons } = decide({ ...asked, chain, token }, { evaluatePolicy, checkArguments, policySet: '' });
    return outcome === 'deny' ? reasons[0]! : null;
  };
  const tasks = input.chain.map((view): LevelExplanation => {
    const { task, used } = view;
    return {
      level: 'task',
      task: task.id,
      agent: task.agent.id,
      objection: objection([view], null),
      values: {
        state: task.state,
        not_before: task.window.notBefore,
        expires_at: task.window.expiresAt,
        calls: { used: used.calls, budget: task.budget.calls },
        sensitivity: task.sensitivity,
        // A grant is JSON; a type with optional members is no index signature.
        grant: task.grant as unknown as JsonObject[],
      },
    };
  });
  const { token, chain } = input;
  if (token === null || chain.length === 0) return tasks;
  // For the same reason as above.
  const narrowed = { narrowed_to: token.narrowedTo as unknown as JsonObject[] };
  const willing = [boundless(chain[0]!, input)];
  return [
    ...tasks,
    { level: 'token', task: null, agent: null, objection: objection(willing, token), values: narrowed },
  ];
}

/** A task that objects to nothing, behind which the token alone is left to object. */
function boundless(view: TaskView, { action, now }: DecisionInput): TaskView {
  const grant: Grant[] = [{ type: 'remit_grant', target: action.target, effects: [...EFFECTS] }];
  return {
    task: {
      ...view.task,
      grant,
      state: 'active',
      window: { notBefore: now, expiresAt: now + 1000 },
      budget: { calls: 1 },
      sensitivity: 'restricted',
    },
    used: { calls: 0 },
  };
}

const evaluatePolicy = () => ({
  outcome: 'permit' as const,
  reasons: [],
  policies: [],
  policySet: '',
  controls: [],
  approvers: [],
  observed: [],
  liftedByApproval: [],
});
