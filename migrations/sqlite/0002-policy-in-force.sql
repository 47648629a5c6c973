-- compatible: an older version reads and writes everything else as before.
-- The newest row names the policy set that decides. `folder` is what the policy folder held when it was last looked at,
-- so that a restart takes the folder again only when somebody has changed it.
CREATE TABLE policy_in_force (
  sequence INTEGER PRIMARY KEY,
  hash TEXT NOT NULL REFERENCES policy_sets (hash),
  folder TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;
