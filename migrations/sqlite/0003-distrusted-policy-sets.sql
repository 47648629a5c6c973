-- compatible: an older version decides by its own engine, and has nobody who would have found it at fault.
-- Policy sets of which nothing is believed any more, with the record of the decision that showed why.
CREATE TABLE distrusted_policy_sets (
  hash TEXT PRIMARY KEY,
  decision TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
