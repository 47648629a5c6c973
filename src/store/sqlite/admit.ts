import type { DatabaseSync } from 'node:sqlite';
import type { Admission, Records } from '../ports.ts';
import { checkIdentifiers } from './identifier.ts';
import type { Transaction, Verb } from './transaction.ts';

export type AdmitRequest = { chain: readonly string[]; counted: boolean; approval: string | null };

/** INVARIANT 5 and 6: the last gate before an effect. Each condition stands in the statement that takes. */
export function admit(db: DatabaseSync) {
  // A window that has closed ends the authority at that moment, whether or not the end was written yet.
  const take = db.prepare(
    `UPDATE task SET used_calls = used_calls + 1
     WHERE id = ? AND state = 'active' AND expires_at > ? AND used_calls < budget_calls
     RETURNING parent`,
  );
  const live = db.prepare(`SELECT parent FROM task WHERE id = ? AND state = 'active' AND expires_at > ?`);
  // INVARIANT 8: once, for this task, in time.
  const spend = db.prepare(
    `UPDATE approval SET state = 'spent' WHERE id = ? AND task = ? AND state = 'approved' AND expires_at > ?`,
  );

  function refused(tx: Transaction, because: 'task_ended' | 'over_budget' | 'approval_spent'): Admission {
    tx.undo();
    return { admitted: false, because };
  }

  return ({ chain, counted, approval }: AdmitRequest, records: Records): Verb<Admission> =>
    (tx) => {
      checkIdentifiers(...chain);
      for (const [i, id] of chain.entries()) {
        const task = (counted ? take : live).get(id, tx.now) as { parent: string | null } | undefined;
        if (task === undefined) {
          const overBudget = counted && live.get(id, tx.now) !== undefined;
          return refused(tx, overBudget ? 'over_budget' : 'task_ended');
        }
        // INVARIANT 3: a chain with a level left out would escape that level's budget and end.
        if (task.parent !== (chain[i + 1] ?? null)) throw new Error('the chain to admit is not the chain of its task');
        if (counted) tx.afterCommit((view) => view.countCall(id));
      }
      if (approval !== null) {
        checkIdentifiers(approval);
        if (spend.run(approval, chain[0] ?? null, tx.now).changes === 0) return refused(tx, 'approval_spent');
        tx.afterCommit((view) => view.dropApproval(approval));
      }
      tx.append(records);
      return { admitted: true };
    };
}
