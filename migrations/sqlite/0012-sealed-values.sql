-- breaking: an older version would leave behind the tokens that tasks have at targets.
-- Values that are encrypted before they come here. One that was removed leaves its version, so that none is used twice.
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
CREATE INDEX sealed_values_by_task ON sealed_values (task) WHERE task IS NOT NULL;
