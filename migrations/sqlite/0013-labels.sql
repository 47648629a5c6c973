-- breaking: an older version would read what outsiders wrote without saying so, and forget what was done.
-- What a task and all that belongs with it has done and touched. Kept by the first task of each: it counts for all of them.
ALTER TABLE task_actions ADD COLUMN first_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE task_actions ADD COLUMN succeeded INTEGER NOT NULL DEFAULT 0;
UPDATE task_actions SET first_at = last_at;
-- Nothing is ever deleted or changed. `record`: of the action whose result the label is of.
CREATE TABLE task_labels (
  task TEXT NOT NULL REFERENCES tasks (id),
  label TEXT NOT NULL,
  record TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (task, label)
) STRICT, WITHOUT ROWID;
-- Values that a person has answered for. `record`: of the decision that let them.
CREATE TABLE task_declassified (
  task TEXT NOT NULL REFERENCES tasks (id),
  value TEXT NOT NULL,
  record TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (task, value)
) STRICT, WITHOUT ROWID;
-- The text of the prompt that a task began with, sealed.
CREATE TABLE task_prompts (
  task TEXT PRIMARY KEY REFERENCES tasks (id),
  sealed TEXT NOT NULL
) STRICT, WITHOUT ROWID;
