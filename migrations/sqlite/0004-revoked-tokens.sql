-- compatible: an older version does not know of revoked tokens; they expire within minutes all the same.
-- A row is kept until nothing would take the token any more, clocks that differ and jump included.
CREATE TABLE revoked_tokens (
  id TEXT PRIMARY KEY,
  keep_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX revoked_tokens_by_keep_until ON revoked_tokens (keep_until);
