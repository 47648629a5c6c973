CREATE TABLE agents (
  id TEXT PRIMARY KEY,
  fleet INTEGER NOT NULL,
  state TEXT NOT NULL,
  owner TEXT NOT NULL,
  last_used_at INTEGER,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE answers (
  approval TEXT NOT NULL REFERENCES "approvals" (id),
  issuer TEXT NOT NULL,
  subject TEXT NOT NULL,
  answer TEXT NOT NULL,
  at INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (approval, issuer, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE "approvals" (
  id TEXT PRIMARY KEY,
  task TEXT REFERENCES tasks (id),
  digest TEXT NOT NULL,
  requester TEXT NOT NULL,
  agent TEXT,
  target TEXT NOT NULL,
  operation TEXT NOT NULL,
  state TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE "closings" (
  task TEXT NOT NULL PRIMARY KEY REFERENCES tasks (id),
  next_at INTEGER,
  body TEXT NOT NULL
) STRICT;

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

CREATE TABLE identity_assertions (
  issuer TEXT NOT NULL,
  id TEXT NOT NULL,
  digest TEXT NOT NULL,
  task TEXT NOT NULL REFERENCES tasks (id),
  PRIMARY KEY (issuer, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE issued_tokens (
  id TEXT PRIMARY KEY,
  task TEXT NOT NULL REFERENCES tasks (id),
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE leases (
  id TEXT PRIMARY KEY,
  task TEXT NOT NULL,
  target TEXT NOT NULL,
  state TEXT NOT NULL,
  made_at INTEGER NOT NULL,
  outstanding INTEGER NOT NULL,
  expires_at INTEGER,
  body TEXT NOT NULL,
  sealed TEXT
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

CREATE TABLE processes (
  id TEXT PRIMARY KEY,
  pid INTEGER NOT NULL,
  birth TEXT NOT NULL,
  task TEXT REFERENCES tasks (id)
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

CREATE TABLE runs (
  profile TEXT NOT NULL,
  agent TEXT NOT NULL,
  task TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  -- In a row, before this one.
  failures INTEGER NOT NULL,
  PRIMARY KEY (profile, agent)
) STRICT;

CREATE TABLE sealed_values (
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  sealed TEXT,
  task TEXT,
  expires_at INTEGER,
  at INTEGER NOT NULL,
  PRIMARY KEY (kind, name)
) STRICT;

CREATE TABLE standing_answers (
  id TEXT PRIMARY KEY,
  task TEXT NOT NULL REFERENCES tasks (id),
  approval TEXT NOT NULL REFERENCES approvals (id),
  state TEXT NOT NULL,
  uses_left INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE suspensions (
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  since INTEGER NOT NULL,
  suspended_by TEXT NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE task_actions (
  task TEXT NOT NULL REFERENCES tasks (id),
  target TEXT NOT NULL,
  operation TEXT NOT NULL,
  effect TEXT NOT NULL,
  times INTEGER NOT NULL,
  last_at INTEGER NOT NULL, first_at INTEGER NOT NULL DEFAULT 0, succeeded INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (task, target, operation)
) STRICT, WITHOUT ROWID;

CREATE TABLE task_counters (
  task TEXT NOT NULL REFERENCES tasks (id),
  counter TEXT NOT NULL,
  at_most INTEGER NOT NULL,
  used INTEGER NOT NULL DEFAULT 0 CHECK (used BETWEEN 0 AND at_most),
  PRIMARY KEY (task, counter)
) STRICT, WITHOUT ROWID;

CREATE TABLE task_declassified (
  task TEXT NOT NULL REFERENCES tasks (id),
  value TEXT NOT NULL,
  record TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (task, value)
) STRICT, WITHOUT ROWID;

CREATE TABLE task_labels (
  task TEXT NOT NULL REFERENCES tasks (id),
  label TEXT NOT NULL,
  record TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (task, label)
) STRICT, WITHOUT ROWID;

CREATE TABLE task_prompts (
  task TEXT PRIMARY KEY REFERENCES tasks (id),
  sealed TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE "tasks" (
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

CREATE TABLE webhook_deliveries (
  endpoint TEXT NOT NULL,
  approval TEXT NOT NULL REFERENCES approvals (id),
  event TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  next_at INTEGER NOT NULL,
  state TEXT NOT NULL,
  problem TEXT,
  PRIMARY KEY (endpoint, approval, event)
) STRICT, WITHOUT ROWID;

CREATE INDEX agents_by_owner ON agents (owner);

CREATE INDEX agents_stopped ON agents (fleet) WHERE state <> 'active';

CREATE INDEX answers_by_person ON answers (issuer, subject, at);

CREATE INDEX approvals_alike ON approvals (target, operation, agent, created_at);

CREATE INDEX approvals_by_created ON approvals (created_at, id);

CREATE INDEX approvals_by_task ON approvals (task, digest);

CREATE INDEX approvals_open ON approvals (state, digest) WHERE state IN ('pending', 'approved');

CREATE INDEX closings_by_next_at ON closings (next_at) WHERE next_at IS NOT NULL;

CREATE INDEX issued_tokens_by_expires_at ON issued_tokens (expires_at);

CREATE INDEX issued_tokens_by_task ON issued_tokens (task);

CREATE INDEX leases_by_task ON leases (task);

CREATE INDEX leases_by_time ON leases (made_at);

CREATE INDEX leases_outstanding ON leases (target, task) WHERE outstanding = 1;

CREATE INDEX leases_sealed ON leases (id) WHERE sealed IS NOT NULL;

CREATE INDEX processes_by_task ON processes (task) WHERE task IS NOT NULL;

CREATE INDEX revoked_tokens_by_keep_until ON revoked_tokens (keep_until);

CREATE INDEX sealed_values_by_task ON sealed_values (task) WHERE task IS NOT NULL;

CREATE INDEX standing_answers_by_created ON standing_answers (created_at, id);

CREATE INDEX standing_answers_by_task ON standing_answers (task);

CREATE INDEX tasks_by_created ON tasks (created_at, id);

CREATE INDEX tasks_by_ended ON tasks (ended_at) WHERE ended_at IS NOT NULL;

CREATE INDEX tasks_by_parent ON tasks (parent) WHERE parent IS NOT NULL;

CREATE INDEX tasks_by_state ON tasks (state);

CREATE INDEX tasks_live_by_agent ON tasks (agent) WHERE state IN ('requested', 'active');

CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint, state, next_at);
