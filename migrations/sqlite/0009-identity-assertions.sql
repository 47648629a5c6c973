-- compatible: an older version takes no identity assertions, and leaves these alone.
-- A row is kept as long as the task is: an assertion makes one task, whatever clocks do.
CREATE TABLE identity_assertions (
  issuer TEXT NOT NULL,
  id TEXT NOT NULL,
  digest TEXT NOT NULL,
  task TEXT NOT NULL REFERENCES tasks (id),
  PRIMARY KEY (issuer, id)
) STRICT, WITHOUT ROWID;
