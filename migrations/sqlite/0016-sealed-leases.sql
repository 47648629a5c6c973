-- breaking: values of leases and prompts are sealed with the keys of everything else, which an older version does not look for.
-- Those of which there is a value, so that sealing them anew does not read all that were ever minted.
CREATE INDEX leases_sealed ON leases (id) WHERE sealed IS NOT NULL;
