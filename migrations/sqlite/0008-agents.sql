-- breaking: an older version would let suspended agents act.
CREATE TABLE agents (
  id TEXT PRIMARY KEY,
  fleet INTEGER NOT NULL,
  state TEXT NOT NULL,
  owner TEXT NOT NULL,
  last_used_at INTEGER,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX agents_by_owner ON agents (owner);
CREATE INDEX agents_stopped ON agents (fleet) WHERE state <> 'active';
CREATE INDEX tasks_live_by_agent ON tasks (agent) WHERE state IN ('requested', 'active');
