-- compatible: an older version draws no feed; who follows it finds entries missing, and takes them from the snapshot.
-- The revocation feed: drawn from the records, in their transaction. Dense from 1; the oldest may be gone, the newest never.
CREATE TABLE revocations (
  sequence INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT;
CREATE INDEX tasks_by_ended ON tasks (ended_at) WHERE ended_at IS NOT NULL;
