CREATE TABLE agents (
  id TEXT PRIMARY KEY,
  fleet INTEGER NOT NULL,
  state TEXT NOT NULL,
  owner TEXT NOT NULL,
  last_used_at INTEGER,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE approvals (
  id TEXT PRIMARY KEY,
  task TEXT NOT NULL REFERENCES tasks (id),
  digest TEXT NOT NULL,
  state TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  answered_at INTEGER,
  answered_by TEXT,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE definitions (
  target TEXT NOT NULL,
  operation TEXT NOT NULL,
  digest TEXT NOT NULL,
  definition TEXT NOT NULL,
  quarantined_digest TEXT,
  quarantined_definition TEXT,
  PRIMARY KEY (target, operation)
) STRICT, WITHOUT ROWID;

CREATE TABLE distrusted_policy_sets (
  hash TEXT PRIMARY KEY,
  decision TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE migrations (name TEXT PRIMARY KEY, digest TEXT NOT NULL, breaking INTEGER NOT NULL) STRICT;

CREATE TABLE policy_in_force (
  sequence INTEGER PRIMARY KEY,
  hash TEXT NOT NULL REFERENCES policy_sets (hash),
  folder TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;

CREATE TABLE policy_sets (
  hash TEXT PRIMARY KEY,
  files TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE records (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  entry TEXT NOT NULL
) STRICT;

CREATE TABLE revocations (
  sequence INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT;

CREATE TABLE revoked_tokens (
  id TEXT PRIMARY KEY,
  keep_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tasks (
  id TEXT PRIMARY KEY,
  parent TEXT REFERENCES tasks (id),
  state TEXT NOT NULL,
  delegator_issuer TEXT NOT NULL,
  delegator_subject TEXT NOT NULL,
  agent TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  budget_calls INTEGER NOT NULL,
  used_calls INTEGER NOT NULL DEFAULT 0,
  ended_at INTEGER,
  end_reason TEXT,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX agents_by_owner ON agents (owner);

CREATE INDEX agents_stopped ON agents (fleet) WHERE state <> 'active';

CREATE INDEX approvals_by_created ON approvals (created_at, id);

CREATE INDEX approvals_by_task ON approvals (task, digest);

CREATE INDEX revoked_tokens_by_keep_until ON revoked_tokens (keep_until);

CREATE INDEX tasks_by_created ON tasks (created_at, id);

CREATE INDEX tasks_by_ended ON tasks (ended_at) WHERE ended_at IS NOT NULL;

CREATE INDEX tasks_by_parent ON tasks (parent) WHERE parent IS NOT NULL;

CREATE INDEX tasks_by_state ON tasks (state);

CREATE INDEX tasks_live_by_agent ON tasks (agent) WHERE state IN ('requested', 'active');
