import { actionDigest, type Action } from '../../core/action.ts';
import { isCounted } from '../../core/budget.ts';
import type { GivenApproval, TaskView } from '../../core/decision.ts';
import { InvalidRequest, InvalidToken } from '../../core/errors.ts';
import { delegatorId } from '../../core/party.ts';
import { standsFor } from '../../core/standing-answer.ts';
import type { Step } from '../pipeline.ts';
import type { Exchange } from '../exchange.ts';
import type { StepParts } from './parts.ts';

/**
 * Step 3: the task with its ancestors and counters, the leases that the arguments name and where they come from, and an approval
 * that waits to be used for exactly this action.
 */
export function gatherStep<Request, Answer>(parts: StepParts): Step<Request, Answer> {
  return {
    name: 'gather',
    run: (exchange) => {
      gather(exchange, parts);
      return undefined;
    },
  };
}

/**
 * Fills in leases, origins, chain, digest and approval as they stand now. Called again when the last gate found them changed.
 * `ahead`: the chain as it will stand, where actions before this one are decided and not yet durable.
 */
export function gather(exchange: Exchange<unknown, unknown>, parts: StepParts, ahead?: TaskView[]): void {
  const { caller } = exchange;
  const described = exchange.action === undefined ? undefined : withLeases(exchange.action, parts);
  if (caller === undefined || described === undefined) throw new Error('a pipeline gathers before it has described');
  const chain = ahead ?? (caller.taskId === null ? [] : parts.store.chain(caller.taskId));
  const acting = chain[0]?.task;
  if (acting === undefined || caller.agent === null || caller.delegator === null) {
    throw new InvalidToken('the access token is not for a task; exchange the task token for this resource');
  }
  const action = look(exchange, described, chain, parts);
  exchange.action = action;
  exchange.chain = chain;
  exchange.digest = actionDigest(
    action,
    {
      agent: caller.agent.id,
      delegator: delegatorId(caller.delegator),
      chain: chain.map(({ task }) => task.id),
      policySet: parts.pdp().policySet,
    },
    parts.sha256,
  );
  const given = givenFor(acting.id, { action, digest: exchange.digest }, parts);
  if (given === undefined) delete exchange.approval;
  else exchange.approval = given;
}

/** Where the arguments come from, by what the task has read until now. */
function look(
  exchange: Exchange<unknown, unknown>,
  described: Action,
  chain: readonly TaskView[],
  { sources }: StepParts,
): Action {
  if (!isCounted(described)) return described;
  const looked = sources.look(described, chain);
  exchange.looked = looked;
  return looked.action;
}

/** A decision and its record have each of them: more in one action are not there to be used. */
const MAX_LEASES = 100;

/** What handles stand for may have changed since they were looked at last. @throws InvalidRequest */
function withLeases({ leases: _before, ...action }: Action, { leases }: StepParts): Action {
  const named = leases.named(action.arguments);
  if (named !== undefined && named.length > MAX_LEASES) {
    throw new InvalidRequest(`the arguments name more than ${MAX_LEASES} leases; use fewer at a time`);
  }
  return named === undefined ? action : { ...action, leases: named };
}

/** An approval of exactly this action, or else a use of an answer that stands for actions like it. */
function givenFor(
  task: string,
  { action, digest }: { action: Action; digest: string },
  { store, clock, pdp }: StepParts,
): GivenApproval | undefined {
  const now = clock();
  const given = store.givenApproval(task, digest, now);
  if (given !== undefined) return given;
  const asked = { policySet: pdp().policySet, now };
  const standing = store.standingFor(task).find((each) => standsFor(each, action, asked));
  // Somebody has read exactly this and said no: what another said of actions like it does not come before that.
  if (standing === undefined || store.isRefused(task, digest, now)) return undefined;
  return { id: standing.id, approvers: standing.approvers };
}
