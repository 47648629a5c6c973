import type { DecisionInput } from '../core/decision.ts';
import type { CedarRecord, EntityUid } from './cedar/value.ts';
import { Context } from './request-context.ts';
import { actorOf, personOf, RequestEntities } from './request-entities.ts';
import { actionUid, resourceUid, targetUid } from './uids.ts';

/**
 * A decision's input in Cedar's terms. This is the one place where Cedar's *principal* is named: an action is evaluated
 * once with the acting agent as principal and once with the delegator, and both must be permitted. Entities and context
 * are made when a policy looks at them: most decisions touch few.
 */
export class CedarRequest {
  /** One evaluation for each combination of principal and resource. */
  readonly principals: readonly EntityUid[];
  readonly action: EntityUid;
  readonly resources: readonly EntityUid[];
  readonly context: CedarRecord;
  readonly entities: RequestEntities;

  constructor(input: DecisionInput) {
    const { agent, delegator, action } = input;
    const actor = agent === null ? null : actorOf(agent);
    const person = delegator === null ? null : personOf(delegator);
    this.principals =
      actor === null ? (person === null ? [] : [person.uid]) : person === null ? [actor.uid] : [actor.uid, person.uid];
    this.action = actionUid(action);
    const target = targetUid(action.target);
    this.resources =
      action.resources.length === 0 ? [target] : action.resources.map((name) => resourceUid(action.target, name));
    this.context = new Context(input, person?.uid ?? null);
    this.entities = new RequestEntities(input, actor, person, this.action, target);
  }
}
