-- breaking: an older version would take the first of several answers for the approval.
-- An approval may stand behind no task: for an operation of Remit's own that a person asked for.
CREATE TABLE approvals_of_all (
  id TEXT PRIMARY KEY,
  task TEXT REFERENCES tasks (id),
  digest TEXT NOT NULL,
  requester TEXT NOT NULL,
  agent TEXT,
  target TEXT NOT NULL,
  operation TEXT NOT NULL,
  state TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One row for what a person last said; of one person, at most one yes counts.
CREATE TABLE answers (
  approval TEXT NOT NULL REFERENCES approvals_of_all (id),
  issuer TEXT NOT NULL,
  subject TEXT NOT NULL,
  answer TEXT NOT NULL,
  at INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (approval, issuer, subject)
) STRICT, WITHOUT ROWID;

INSERT INTO approvals_of_all
SELECT
  id, task, digest,
  json_extract(body, '$.requester.delegator.issuer') || '|' || json_extract(body, '$.requester.delegator.subject'),
  json_extract(body, '$.requester.agent'),
  json_extract(body, '$.card.target'),
  json_extract(body, '$.card.operation'),
  state, created_at, expires_at, body
FROM approvals;

INSERT INTO answers
SELECT
  id, json_extract(answered_by, '$.issuer'), json_extract(answered_by, '$.subject'),
  CASE state WHEN 'refused' THEN 'refused' ELSE 'approved' END,
  answered_at,
  json_object('by', json(answered_by))
FROM approvals WHERE answered_by IS NOT NULL;

DROP TABLE approvals;
ALTER TABLE approvals_of_all RENAME TO approvals;
CREATE INDEX approvals_by_task ON approvals (task, digest);
CREATE INDEX approvals_by_created ON approvals (created_at, id);
-- What waits, is given or stands refused, where no task stands behind it; and what waits at all.
CREATE INDEX approvals_open ON approvals (state, digest) WHERE state IN ('pending', 'approved');
-- How requests like this one were answered before.
CREATE INDEX approvals_alike ON approvals (target, operation, agent, created_at);
CREATE INDEX answers_by_person ON answers (issuer, subject, at);

-- "The next five like this": what a person allowed beforehand, of one operation within one task.
CREATE TABLE standing_answers (
  id TEXT PRIMARY KEY,
  task TEXT NOT NULL REFERENCES tasks (id),
  approval TEXT NOT NULL REFERENCES approvals (id),
  state TEXT NOT NULL,
  uses_left INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX standing_answers_by_task ON standing_answers (task);
CREATE INDEX standing_answers_by_created ON standing_answers (created_at, id);

-- What was tried to tell a webhook of an approval, until it has taken it. What is not here has still to be tried.
CREATE TABLE webhook_deliveries (
  endpoint TEXT NOT NULL,
  approval TEXT NOT NULL REFERENCES approvals (id),
  event TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  next_at INTEGER NOT NULL,
  state TEXT NOT NULL,
  problem TEXT,
  PRIMARY KEY (endpoint, approval, event)
) STRICT, WITHOUT ROWID;
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint, state, next_at);

-- What was permitted within a task and all below it, for whoever is asked to approve the next of it.
CREATE TABLE task_actions (
  task TEXT NOT NULL REFERENCES tasks (id),
  target TEXT NOT NULL,
  operation TEXT NOT NULL,
  effect TEXT NOT NULL,
  times INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  PRIMARY KEY (task, target, operation)
) STRICT, WITHOUT ROWID;
