import type { DatabaseSync } from 'node:sqlite';
import type { PolicySetStore } from '../ports.ts';
import type { ApprovalTable } from './approval-table.ts';
import type { CommitQueue } from './commit-queue.ts';
import { checkIdentifiers } from './identifier.ts';
import type { RecordLog } from './record-log.ts';

/** The policy sets that were ever in force, which one is, and which are distrusted. None of it is kept in memory. */
export function policySetVerbs(
  db: DatabaseSync,
  queue: CommitQueue,
  { log, approvals }: { log: RecordLog; approvals: ApprovalTable },
  clock: () => number,
): PolicySetStore {
  const insert = db.prepare('INSERT OR IGNORE INTO policy_sets (hash, files) VALUES (?, ?)');
  const select = db.prepare('SELECT files FROM policy_sets WHERE hash = ?');
  const enforce = db.prepare('INSERT INTO policy_in_force (hash, folder, at) VALUES (?, ?, ?)');
  const history = db.prepare('SELECT hash, folder, at FROM policy_in_force ORDER BY sequence DESC LIMIT ?');
  const distrust = db.prepare('INSERT OR IGNORE INTO distrusted_policy_sets (hash, decision, at) VALUES (?, ?, ?)');
  const isDistrusted = db.prepare('SELECT 1 FROM distrusted_policy_sets WHERE hash = ?');
  const distrusted = db.prepare('SELECT hash, decision, at FROM distrusted_policy_sets ORDER BY at, hash');
  const policyHistory = (limit: number) =>
    history.all(limit).map((row) => ({
      hash: String(row['hash']),
      folder: String(row['folder']),
      at: Number(row['at']),
    }));
  return {
    publishPolicySet: ({ hash, files, folder, at, replaces }, records, approval = null) =>
      queue.add(
        () => {
          if ((policyHistory(1)[0]?.hash ?? null) !== replaces) return 'other_in_force' as const;
          if (isDistrusted.get(hash) !== undefined) return 'distrusted' as const;
          if (approval !== null && !approvals.spend(approval, null, clock())) return 'approval_spent' as const;
          insert.run(hash, JSON.stringify(files));
          enforce.run(hash, folder, at);
          log.append(records);
          return 'published' as const;
        },
        (outcome) => {
          if (outcome === 'published' && approval !== null) approvals.forget(approval);
        },
      ),
    policySet: (hash) => {
      const row = select.get(hash);
      return row === undefined ? undefined : (JSON.parse(String(row['files'])) as Record<string, string>);
    },
    policyHistory,
    distrustPolicySet: ({ hash, decision, at }, records) =>
      queue.add(() => {
        checkIdentifiers(hash, decision);
        if (distrust.run(hash, decision, at).changes === 0) return 'already_distrusted' as const;
        log.append(records);
        return 'distrusted' as const;
      }),
    distrustedPolicySets: () =>
      distrusted.all().map((row) => ({
        hash: String(row['hash']),
        decision: String(row['decision']),
        at: Number(row['at']),
      })),
  };
}
