-- breaking: an older version would leave behind what tasks have minted.
-- What exists, or may exist, because of a task. `sealed` is the value, encrypted; it goes when the lease is over.
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
CREATE INDEX leases_by_task ON leases (task);
CREATE INDEX leases_by_time ON leases (made_at);
CREATE INDEX leases_outstanding ON leases (target, task) WHERE outstanding = 1;
