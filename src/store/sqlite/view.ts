import type { DatabaseSync } from 'node:sqlite';
import type { Approval } from '../../core/approval.ts';
import type { TaskView } from '../../core/decision.ts';
import { hasEnded } from '../../core/task.ts';
import type { DefinitionPin } from '../ports.ts';
import { APPROVAL_COLUMNS, approvalFrom, isOpen, type ApprovalRow } from './approval-row.ts';
import { DEFINITION_COLUMNS, definitionPin, type DefinitionRow } from './definition-row.ts';
import { TASK_COLUMNS, taskView, type TaskRow } from './task-row.ts';

/**
 * What hot reads look at: everything that is alive, as it was last durable. Changed only after a COMMIT; after a COMMIT
 * in doubt a new one is loaded. Tasks that have ended and approvals that are closed are not in it.
 */
export class View {
  readonly #tasks = new Map<string, TaskView>();
  readonly #approvals = new Map<string, Approval>();
  /** Ids of open approvals, by task and digest. */
  readonly #open = new Map<string, Map<string, string>>();
  readonly #definitions = new Map<string, Map<string, DefinitionPin>>();
  logSize = 0;

  static load(db: DatabaseSync): View {
    const view = new View();
    const tasks = db.prepare(`SELECT ${TASK_COLUMNS} FROM task WHERE state IN ('requested', 'active')`);
    for (const row of tasks.iterate()) view.putTask(taskView(row as TaskRow));
    const approvals = db.prepare(`SELECT ${APPROVAL_COLUMNS} FROM approval WHERE state IN ('pending', 'approved')`);
    for (const row of approvals.iterate()) view.putApproval(approvalFrom(row as ApprovalRow));
    const definitions = db.prepare(`SELECT ${DEFINITION_COLUMNS} FROM definition`);
    for (const row of definitions.iterate()) view.putDefinition(definitionPin(row as DefinitionRow));
    const { size } = db.prepare('SELECT coalesce(max(seq) + 1, 0) AS size FROM record').get() as { size: number };
    view.logSize = size;
    return view;
  }

  task(id: string): TaskView | undefined {
    return this.#tasks.get(id);
  }

  putTask(entry: TaskView): void {
    if (hasEnded(entry.task.state)) this.#tasks.delete(entry.task.id);
    else this.#tasks.set(entry.task.id, entry);
  }

  countCall(id: string): void {
    const entry = this.#tasks.get(id);
    if (entry !== undefined) entry.used.calls += 1;
  }

  approval(id: string): Approval | undefined {
    return this.#approvals.get(id);
  }

  openApproval(task: string, digest: string): Approval | undefined {
    const id = this.#open.get(task)?.get(digest);
    return id === undefined ? undefined : this.#approvals.get(id);
  }

  putApproval(approval: Approval): void {
    if (!isOpen(approval)) return this.dropApproval(approval.id);
    this.#approvals.set(approval.id, approval);
    const ofTask = this.#open.get(approval.task) ?? new Map<string, string>();
    this.#open.set(approval.task, ofTask.set(approval.digest, approval.id));
  }

  dropApproval(id: string): void {
    const approval = this.#approvals.get(id);
    if (approval === undefined) return;
    this.#approvals.delete(id);
    const ofTask = this.#open.get(approval.task);
    if (ofTask?.get(approval.digest) === id) ofTask.delete(approval.digest);
    if (ofTask?.size === 0) this.#open.delete(approval.task);
  }

  dropApprovalsOf(task: string): void {
    for (const id of this.#open.get(task)?.values() ?? []) this.dropApproval(id);
  }

  definition(target: string, operation: string): DefinitionPin | undefined {
    return this.#definitions.get(target)?.get(operation);
  }

  /** Those of one target, in the order of their names. */
  definitions(target: string): DefinitionPin[] {
    const pins = [...(this.#definitions.get(target)?.values() ?? [])];
    return pins.sort((a, b) => (a.operation < b.operation ? -1 : 1));
  }

  putDefinition(pin: DefinitionPin): void {
    const ofTarget = this.#definitions.get(pin.target) ?? new Map<string, DefinitionPin>();
    this.#definitions.set(pin.target, ofTarget.set(pin.operation, pin));
  }
}
