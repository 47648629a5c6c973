import type { DatabaseSync } from 'node:sqlite';

export function readLog(db: DatabaseSync) {
  const entries = db.prepare('SELECT seq AS "index", entry FROM record WHERE seq >= ? ORDER BY seq LIMIT ?');
  const indexOf = db.prepare('SELECT seq FROM record WHERE id = ?');
  return {
    entries(start: number, limit: number): { index: number; entry: string }[] {
      return entries.all(start, Math.max(0, limit)) as { index: number; entry: string }[];
    },
    indexOf(recordId: string): number | undefined {
      return (indexOf.get(recordId) as { seq: number } | undefined)?.seq;
    },
  };
}
