import { isApproved, type Approval } from '../../core/approval.ts';
import { samePerson } from '../../core/party.ts';
import type { ApprovalStore, StandingStore } from '../ports.ts';
import type { ApprovalTable } from './approval-table.ts';
import type { CommitQueue } from './commit-queue.ts';
import { checkIdentifiers } from './identifier.ts';
import type { RecordLog } from './record-log.ts';
import type { StandingTable } from './standing-table.ts';
import type { TaskTable } from './task-table.ts';

type Tables = { log: RecordLog; tasks: TaskTable; approvals: ApprovalTable; standing: StandingTable };

/** Asking, answering and looking. Spending an approval is part of what it is spent on. */
export function approvalVerbs(
  queue: CommitQueue,
  { log, tasks, approvals, standing }: Tables,
  clock: () => number,
): ApprovalStore & StandingStore {
  return {
    requestApproval: (request, records, maxWaiting = Infinity) =>
      queue.add(() => {
        const now = clock();
        checkIdentifiers(request.id, request.task ?? '', request.digest);
        const waiting = approvals.openFor(request.task, request.digest, now);
        const tooMany = waiting === undefined && approvals.waiting(request, now) >= maxWaiting;
        // A request for a task that has just ended can never be answered.
        const live = request.task === null || tasks.isLive(request.task, now);
        const kept: Approval = waiting ?? { ...request, state: live && !tooMany ? 'pending' : 'closed' };
        if (waiting === undefined && !tooMany) approvals.insert(kept);
        log.append(records(kept));
        return kept;
      }),
    answerApproval: ({ id, ...answer }, records, stands) =>
      queue.add(
        () => {
          checkIdentifiers(id, answer.by.issuer, answer.by.subject);
          const approval = approvals.get(id);
          if (approval === undefined) return 'unknown' as const;
          const now = Math.max(answer.at, clock());
          const ended = approval.task !== null && !tasks.isLive(approval.task, now);
          if (approval.state === 'closed' || ended) return 'task_ended' as const;
          if (approval.state !== 'pending') return 'already_answered' as const;
          if (now >= approval.expiresAt) return 'expired' as const;
          // INVARIANT 8: a person counts once, whichever session or account of theirs answers.
          const before = approval.answers.find(({ by }) => samePerson(by, answer.by));
          if (before !== undefined && answer.to === 'approved') return 'already_counted' as const;
          approvals.answer(id, answer);
          // One no ends it; a yes counts towards what the rules ask for.
          const isFinal = answer.to === 'refused' || isApproved(approval.approvers, [...approval.answers, answer]);
          if (isFinal) approvals.settle(id, answer.to, now);
          if (stands !== undefined && isFinal && answer.to === 'approved') standing.insert(stands);
          log.append(records);
          return isFinal ? ('answered' as const) : ('counted' as const);
        },
        (outcome) => {
          if (outcome !== 'answered') return;
          approvals.remember(approvals.get(id)!);
          if (stands !== undefined && answer.to === 'approved') standing.remember(structuredClone(stands));
        },
      ),
    givenApproval: (task, digest, now) => approvals.given(task, digest, now),
    isRefused: (task, digest, now) => approvals.openFor(task, digest, now)?.state === 'refused',
    approval: (id) => approvals.get(id),
    approvalState: (id) => approvals.state(id),
    approvals: (filter) => approvals.list(filter),
    answersAlike: (request, limit) => approvals.answersAlike(request, limit),
    standingFor: (task) => standing.ofTask(task),
    standingAnswer: (id) => standing.get(id),
    standingAnswers: (filter) => standing.list(filter),
    revokeStandingAnswer: (id, records) =>
      queue.add(
        () => {
          checkIdentifiers(id);
          if (standing.get(id) === undefined) return 'unknown' as const;
          if (!standing.revoke(id)) return 'over' as const;
          log.append(records);
          return 'revoked' as const;
        },
        (outcome) => {
          if (outcome === 'revoked') standing.forget(id);
        },
      ),
    answersBy: (person, since) => approvals.answersBy(person, since),
  };
}
