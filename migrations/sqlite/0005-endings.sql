-- breaking: an older version would not know that something is suspended, and let it act.
-- What the end of a task has ended and what is left to end: opened in the transaction of the end. `next_at` is null once
-- nothing is outstanding.
CREATE TABLE closings (
  task TEXT PRIMARY KEY REFERENCES tasks (id),
  next_at INTEGER,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX closings_by_next_at ON closings (next_at) WHERE next_at IS NOT NULL;

-- Access tokens that were issued under a task and neither revoked nor expired, so that its end can revoke them.
CREATE TABLE issued_tokens (
  id TEXT PRIMARY KEY,
  task TEXT NOT NULL REFERENCES tasks (id),
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX issued_tokens_by_task ON issued_tokens (task);
CREATE INDEX issued_tokens_by_expires_at ON issued_tokens (expires_at);

-- Processes of targets that were started and are not known to have gone: what a killed process of Remit leaves running is
-- ended by the next one. `birth` tells a process from a later one with the same pid.
CREATE TABLE processes (
  id TEXT PRIMARY KEY,
  pid INTEGER NOT NULL,
  birth TEXT NOT NULL,
  task TEXT REFERENCES tasks (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX processes_by_task ON processes (task) WHERE task IS NOT NULL;

-- What may do nothing until it is resumed.
CREATE TABLE suspensions (
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  since INTEGER NOT NULL,
  suspended_by TEXT NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

-- When a task was last used, to the second: an idle one ends.
ALTER TABLE tasks ADD COLUMN used_at INTEGER;
