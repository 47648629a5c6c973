-- breaking: an older version would not count what these limits are about.
-- What a task may use beside its calls: of an effect, of one operation, or of the sum over an argument, which is counted
-- in ten-thousandths. `used` holds what is reserved for actions under way, too.
CREATE TABLE task_counters (
  task TEXT NOT NULL REFERENCES tasks (id),
  counter TEXT NOT NULL,
  at_most INTEGER NOT NULL,
  used INTEGER NOT NULL DEFAULT 0 CHECK (used BETWEEN 0 AND at_most),
  PRIMARY KEY (task, counter)
) STRICT, WITHOUT ROWID;
