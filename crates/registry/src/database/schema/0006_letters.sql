-- What an e-mail carries beside the notice and nobody may read in the database: a link with a token, sealed. Gone once
-- it is delivered.
ALTER TABLE delivery ADD COLUMN enclosed TEXT NOT NULL DEFAULT '';

-- From where an account has signed in, so that a new address is told.
CREATE TABLE account_address (
  account TEXT NOT NULL REFERENCES account (id),
  network TEXT NOT NULL,
  used BIGINT NOT NULL,
  PRIMARY KEY (account, network)
);

-- The expiry of which the holder of a key was told.
ALTER TABLE api_key ADD COLUMN noticed BIGINT NOT NULL DEFAULT 0;

-- What is used of a quota, where it is not rows of the registry that are counted.
CREATE TABLE quota_used (
  organisation TEXT NOT NULL REFERENCES organisation (id),
  kind TEXT NOT NULL,
  used BIGINT NOT NULL,
  PRIMARY KEY (organisation, kind)
);

-- Files that came before the application they belong to; forgotten after a day. `application` is empty until then.
CREATE TABLE upload (
  id BIGINT PRIMARY KEY,
  author TEXT NOT NULL,
  name TEXT NOT NULL,
  digest TEXT NOT NULL,
  application TEXT NOT NULL,
  at BIGINT NOT NULL
);
CREATE INDEX upload_at ON upload (at);

-- Whether a prefix is on its way out of this node (`out`) or into it (`in`); empty for neither.
ALTER TABLE prefix ADD COLUMN moving TEXT NOT NULL DEFAULT '';
ALTER TABLE own_prefix ADD COLUMN moving TEXT NOT NULL DEFAULT '';
