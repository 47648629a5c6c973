-- compatible: the last run of each profile that an agent starts by itself; one that nobody has started has none.
CREATE TABLE runs (
  profile TEXT NOT NULL,
  agent TEXT NOT NULL,
  task TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  -- In a row, before this one.
  failures INTEGER NOT NULL,
  PRIMARY KEY (profile, agent)
) STRICT;
