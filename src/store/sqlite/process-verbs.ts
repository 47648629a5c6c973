import type { DatabaseSync } from 'node:sqlite';
import type { ProcessStore } from '../ports.ts';
import type { CommitQueue } from './commit-queue.ts';
import { checkIdentifiers } from './identifier.ts';

/** Read once at the start and at the end of a task, so none of it is kept in memory. */
export function processVerbs(db: DatabaseSync, queue: CommitQueue): ProcessStore {
  const insert = db.prepare('INSERT OR REPLACE INTO processes (id, pid, birth, task) VALUES (?, ?, ?, ?)');
  const remove = db.prepare('DELETE FROM processes WHERE id = ?');
  const all = db.prepare('SELECT id, pid, birth, task FROM processes ORDER BY id');
  const ofTask = db.prepare('SELECT id, pid, birth, task FROM processes WHERE task = ? ORDER BY id');
  return {
    processStarted: ({ id, pid, birth, task }) =>
      queue.add(() => {
        checkIdentifiers(id, birth, task ?? '');
        insert.run(id, pid, birth, task);
      }),
    processGone: (id) => queue.add(() => void remove.run(id)),
    processes: (task) =>
      (task === undefined ? all.all() : ofTask.all(task)).map((row) => ({
        id: String(row['id']),
        pid: Number(row['pid']),
        birth: String(row['birth']),
        task: row['task'] === null ? null : String(row['task']),
      })),
  };
}
