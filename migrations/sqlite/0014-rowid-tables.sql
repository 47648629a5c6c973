-- compatible: the same columns and indexes; only where a row lies in the file is another.
-- Rows of these tables are large. Without a rowid a row beyond about a kilobyte spills into pages of its own, and each change
-- of a counter or a state writes them again.
CREATE TABLE tasks_with_rowid (
  id TEXT NOT NULL PRIMARY KEY,
  parent TEXT REFERENCES tasks (id),
  state TEXT NOT NULL,
  delegator_issuer TEXT NOT NULL,
  delegator_subject TEXT NOT NULL,
  agent TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  budget_calls INTEGER NOT NULL,
  used_calls INTEGER NOT NULL DEFAULT 0,
  used_at INTEGER,
  ended_at INTEGER,
  end_reason TEXT,
  body TEXT NOT NULL
) STRICT;
INSERT INTO tasks_with_rowid
  SELECT id, parent, state, delegator_issuer, delegator_subject, agent, created_at, expires_at, budget_calls, used_calls,
    used_at, ended_at, end_reason, body
  FROM tasks ORDER BY created_at, id;
DROP TABLE tasks;
ALTER TABLE tasks_with_rowid RENAME TO tasks;
CREATE INDEX tasks_by_state ON tasks (state);
CREATE INDEX tasks_by_created ON tasks (created_at, id);
CREATE INDEX tasks_by_parent ON tasks (parent) WHERE parent IS NOT NULL;
CREATE INDEX tasks_by_ended ON tasks (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX tasks_live_by_agent ON tasks (agent) WHERE state IN ('requested', 'active');

CREATE TABLE closings_with_rowid (
  task TEXT NOT NULL PRIMARY KEY REFERENCES tasks (id),
  next_at INTEGER,
  body TEXT NOT NULL
) STRICT;
INSERT INTO closings_with_rowid SELECT task, next_at, body FROM closings;
DROP TABLE closings;
ALTER TABLE closings_with_rowid RENAME TO closings;
CREATE INDEX closings_by_next_at ON closings (next_at) WHERE next_at IS NOT NULL;
