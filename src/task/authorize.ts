import type { ApprovalPoint } from '../core/approval-point.ts';
import type { Action, Sha256Hex } from '../core/action.ts';
import type { DecisionInput, TaskView } from '../core/decision.ts';
import { decisionRecord } from '../core/decision-record.ts';
import type { Effect } from '../core/effect.ts';
import { Forbidden } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { delegatorId } from '../core/party.ts';
import type { DecisionRecord, EventRecord } from '../core/record.ts';
import { suspensionOfAction, suspensionOfTask, type FindSuspension } from '../core/suspension.ts';
import type { Task } from '../core/task.ts';
import type { Caller } from '../identity/caller.ts';
import type { Pdp } from '../pdp/pdp.ts';
import type { Referee } from '../pdp/referee/referee.ts';
import type { LogStore } from '../store/ports.ts';

/** What decisions at Remit's own API are made with. */
export type AuthorizeParts = {
  log: LogStore;
  pdp: () => Pdp;
  /** Has a sample of decisions evaluated again. */
  referee: Pick<Referee, 'consider'>;
  fresh: () => boolean;
  suspension: FindSuspension;
  clock: () => number;
  newId: (prefix: string) => string;
  sha256: Sha256Hex;
};

/** Remit's own operations. Their ids are part of the public surface: policies name them `remit:<operation>`. */
export const OWN_OPERATIONS = {
  'task.create': 'delegate',
  'task.delegate': 'delegate',
  'task.read': 'read',
  'task.list': 'read',
  'task.complete': 'write',
  'task.revoke': 'write',
  'token.issue': 'mint',
  'token.introspect': 'read',
  'profile.read': 'read',
  'approval.read': 'read',
  'approval.answer': 'write',
  'target.read': 'read',
  'target.report': 'write',
  'definition.read': 'read',
  'definition.accept': 'write',
  'label.declassify': 'write',
  'log.read': 'read',
  'policy.read': 'read',
  'policy.publish': 'write',
  'policy.rollback': 'write',
  'keys.read': 'read',
  'keys.rotate': 'write',
  'secret.list': 'read',
  'secret.set': 'write',
  'secret.rotate': 'write',
  'secret.remove': 'write',
  'secret.reseal': 'write',
  'consent.read': 'read',
  'consent.give': 'write',
  'consent.withdraw': 'write',
  'revocation.read': 'read',
  'lease.list': 'read',
  'lease.read': 'read',
  'lease.revoke': 'write',
  'lease.settle': 'write',
  'lease.release': 'write',
  'lease.discard': 'write',
  'access.read': 'read',
  'access.stop': 'write',
  'access.suspend': 'write',
  'access.resume': 'write',
  'agent.read': 'read',
  'agent.register': 'write',
  'agent.update': 'write',
  'agent.suspend': 'write',
  'agent.resume': 'write',
  'agent.retire': 'write',
} as const satisfies Record<string, Effect>;
export type OwnOperation = keyof typeof OWN_OPERATIONS;

export type OwnAction = {
  operation: OwnOperation;
  /** `task:<id>`, `approval:<id>`, `target:<name>`, … */
  resources: string[];
  arguments: JsonObject;
  /** The task that it is about, with its ancestors; empty when it is about none. */
  chain?: readonly TaskView[];
  /** Where people have to agree whatever policy says. */
  approvalPoint?: ApprovalPoint;
  /** The task that it would make. */
  creates?: Task;
};

/** Who asks: the proven agent or person, and the token that they used, if any. */
export type Asker = Pick<Caller, 'agent' | 'delegator'> & { token: Caller['token'] | null; request: string };

/**
 * Decides one of Remit's own operations, by the same function as any tool call. Resolves with the record of the
 * permit, which the caller hands to the store verb that takes effect, so that both become durable at once.
 *
 * @throws Forbidden after the denial has been recorded. What would be held is denied: approvals are for tasks' actions.
 */
export async function authorize(asker: Asker, own: OwnAction, parts: AuthorizeParts): Promise<DecisionRecord> {
  const input = ownInput(asker, own, parts);
  const decision = parts.pdp().decide(input);
  const record = decisionRecord(
    {
      id: parts.newId('rec'),
      request: asker.request,
      input,
      decision,
      approval: null,
      token: asker.token === null ? null : { id: asker.token.id, key: asker.token.key },
    },
    parts.sha256,
  );
  parts.referee.consider({ record: record.id, input, decision });
  if (decision.outcome === 'permit') return record;
  await parts.log.append([record]);
  throw new Forbidden(decision.reasons[0]?.message ?? 'policy does not permit this');
}

/** The record of a refusal that no policy can lift. */
export function refusedRecord(
  asker: Asker,
  refused: { operation: OwnOperation | 'token.revoke'; subject: JsonObject; reason: string },
  parts: Pick<AuthorizeParts, 'newId' | 'clock'>,
): EventRecord {
  return {
    version: 1,
    id: parts.newId('rec'),
    time: parts.clock(),
    kind: 'event',
    event: 'request.refused',
    subject: {
      request: asker.request,
      operation: refused.operation,
      ...refused.subject,
      by: askerName(asker),
      reason: refused.reason,
    },
  };
}

/** One text that names who asks. */
export function askerName({ agent, delegator }: Pick<Asker, 'agent' | 'delegator'>): string {
  return delegator === null ? (agent?.id ?? '') : delegatorId(delegator);
}

/** The input of a decision on one of Remit's own operations. */
export function ownInput(asker: Asker, own: OwnAction, parts: AuthorizeParts): DecisionInput {
  const action: Action = {
    target: 'remit',
    operation: own.operation,
    effect: OWN_OPERATIONS[own.operation],
    resources: own.resources,
    sensitivity: 'internal',
    arguments: own.arguments,
    protocol: false,
    definition: 'builtin',
  };
  const { token } = asker;
  const { agent, delegator } = asker;
  const about = { action, agent, delegator, chain: own.chain ?? [] };
  const suspended =
    suspensionOfAction(about, parts.suspension) ??
    (own.creates === undefined ? undefined : suspensionOfTask(own.creates, parts.suspension));
  return {
    now: parts.clock(),
    fresh: parts.fresh(),
    ...about,
    ...(suspended === undefined ? {} : { suspended }),
    token: token === null ? null : { issuedAt: token.issuedAt, binding: token.binding, narrowedTo: [] },
    approval: null,
    ...(own.approvalPoint === undefined ? {} : { approvalPoint: own.approvalPoint }),
  };
}
