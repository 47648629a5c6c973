-- breaking: the first schema
--
-- Times are integer milliseconds since the epoch. Identifiers compare byte for byte (BINARY, SQLite's default).
-- `body` is JSON: the parts of a row that never change. What changes, and what is searched for, is a column.

CREATE TABLE task (
  seq INTEGER PRIMARY KEY, -- order of creation
  id TEXT NOT NULL UNIQUE,
  parent TEXT REFERENCES task (id),
  delegator_issuer TEXT NOT NULL,
  delegator_subject TEXT NOT NULL,
  agent TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('requested', 'active', 'completed', 'revoked', 'expired', 'denied')),
  expires_at INTEGER NOT NULL,
  budget_calls INTEGER NOT NULL,
  used_calls INTEGER NOT NULL DEFAULT 0 CHECK (used_calls BETWEEN 0 AND budget_calls),
  ended_at INTEGER,
  end_reason TEXT,
  body TEXT NOT NULL
) STRICT;

CREATE INDEX task_parent ON task (parent);
CREATE INDEX task_state ON task (state, seq);
CREATE INDEX task_delegator ON task (delegator_issuer, delegator_subject, seq);
CREATE INDEX task_agent ON task (agent, seq);
CREATE INDEX task_overdue ON task (expires_at) WHERE state = 'active';

CREATE TABLE approval (
  seq INTEGER PRIMARY KEY, -- order of request
  id TEXT NOT NULL UNIQUE,
  task TEXT NOT NULL REFERENCES task (id),
  digest TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'refused', 'spent', 'expired', 'closed')),
  expires_at INTEGER NOT NULL,
  answered_by TEXT, -- JSON
  answered_at INTEGER,
  body TEXT NOT NULL
) STRICT;

-- At most one request waits, or is approved and unspent, for one exact action.
CREATE UNIQUE INDEX approval_open ON approval (task, digest) WHERE state IN ('pending', 'approved');
CREATE INDEX approval_state ON approval (state, seq);
CREATE INDEX approval_task ON approval (task, seq);

CREATE TABLE definition (
  target TEXT NOT NULL,
  operation TEXT NOT NULL,
  digest TEXT NOT NULL,
  definition TEXT NOT NULL,
  pinned_at INTEGER NOT NULL,
  quarantined_digest TEXT,
  quarantined_definition TEXT,
  quarantined_at INTEGER,
  PRIMARY KEY (target, operation)
) STRICT, WITHOUT ROWID;

CREATE TABLE policy_set (
  hash TEXT PRIMARY KEY NOT NULL,
  files TEXT NOT NULL -- JSON: name to text
) STRICT;

-- The audit log. `seq` is dense from 0 and in commit order; it is the index of the leaf in the Merkle tree.
CREATE TABLE record (
  seq INTEGER PRIMARY KEY CHECK (seq >= 0),
  id TEXT NOT NULL UNIQUE,
  entry TEXT NOT NULL -- RFC 8785 form of the record
) STRICT;
