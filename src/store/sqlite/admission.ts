import type { Draw } from '../../core/budget.ts';
import type { Admission, AdmissionRequest, Records } from '../ports.ts';
import type { ActionTable } from './action-table.ts';
import type { ApprovalTable } from './approval-table.ts';
import { checkIdentifiers } from './identifier.ts';
import type { IssuedTokenTable } from './issued-token-table.ts';
import type { LeaseTable } from './lease-table.ts';
import type { RecordLog } from './record-log.ts';
import type { StandingTable } from './standing-table.ts';
import type { SuspensionTable } from './suspension-table.ts';
import type { TaskTable } from './task-table.ts';
import type { TrailTable } from './trail-table.ts';

/** All that the last gate before an effect asks and changes. */
export type AdmissionTables = {
  log: RecordLog;
  tasks: TaskTable;
  approvals: ApprovalTable;
  standing: StandingTable;
  tokens: IssuedTokenTable;
  suspensions: SuspensionTable;
  actions: ActionTable;
  trails: TrailTable;
  leases: LeaseTable;
};

/** What was taken is given back when a later check fails, so that "not admitted" leaves no trace. */
export function admitInTransaction(
  request: AdmissionRequest,
  records: Records,
  { log, tasks, approvals, standing, tokens, suspensions, actions, trails, leases }: AdmissionTables,
  now: number,
): Admission {
  const { counted, draws = [] } = request;
  const calls = counted ? 1 : 0;
  const taken = { chain: [] as string[], counted, draws: [] as Draw[] };
  const undo = (because: Exclude<Admission, { admitted: true }>['because']): Admission => {
    tasks.giveBack(taken);
    return { admitted: false, because };
  };
  checkIdentifiers(...request.chain, request.approval ?? '', request.token?.id ?? '');
  // A target that is cut off ends only the tasks that have no other, so the gate asks for it by itself.
  if (request.target !== undefined && suspensions.stored('target', request.target) !== undefined) {
    return { admitted: false, because: 'suspended' };
  }
  for (const [level, id] of request.chain.entries()) {
    const task = tasks.take(id, calls, now);
    if (task === undefined) return undo(tasks.isLive(id, now) ? 'over_budget' : 'task_ended');
    taken.chain.push(id);
    // INVARIANT 3: a chain with a level left out would escape that level's budget and its end.
    if (task.parent !== (request.chain[level + 1] ?? null)) throw new Error('the chain is not that of its task');
  }
  for (const draw of draws) {
    if (!request.chain.includes(draw.task)) throw new Error('an action draws on a task that is not of its chain');
    if (!tasks.takeFrom(draw)) return undo('over_budget');
    taken.draws.push(draw);
  }
  if (request.uses?.some((id) => leases.of(id)?.state !== 'held') === true) return undo('lease_ended');
  const { approval } = request;
  const spender = approval?.startsWith(STANDING) === true ? standing : approvals;
  if (approval !== null && !spender.spend(approval, request.chain[0] ?? null, now)) return undo('approval_spent');
  for (const id of request.chain) tasks.touch(id, now);
  if (request.token !== undefined) tokens.insert(request.token, request.chain[0]!, now);
  if (request.lease !== undefined) leases.insert(request.lease, null);
  if (request.counted) actions.count(request.chain, records);
  const root = request.chain.at(-1);
  if (root !== undefined && request.labels !== undefined) {
    trails.addLabels(root, request.labels, records[0]?.id ?? '', now);
  }
  log.append(records);
  return { admitted: true };
}

/** Memory's part of an admission. */
export function wasAdmitted(
  request: AdmissionRequest,
  records: Records,
  { tasks, trails, approvals, standing }: AdmissionTables,
  now: number,
): void {
  tasks.countTaken(request, 1);
  const root = request.chain.at(-1);
  if (root !== undefined && request.counted) trails.grown(root, { labels: request.labels, records });
  for (const id of request.chain) tasks.wasUsed(id, now);
  if (request.approval !== null) forgetSpent(request.approval, { approvals, standing });
}

const STANDING = 'sta_';

/** What has been spent for good leaves the memory; a standing answer that can be used again stays there with what is left. */
function forgetSpent(id: string, { approvals, standing }: Pick<AdmissionTables, 'approvals' | 'standing'>): void {
  if (!id.startsWith(STANDING)) return approvals.forget(id);
  const left = standing.get(id);
  if (left !== undefined) standing.remember(left);
}
