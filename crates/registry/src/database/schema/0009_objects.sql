-- Objects themselves are records of the record store; here is what governs them.

-- What is decided and not yet in the record store; see objects/pending.rs.
CREATE TABLE object_write (
  sequence BIGINT PRIMARY KEY,
  payload TEXT NOT NULL,
  created BIGINT NOT NULL
);

-- Identifiers below a prefix that are not deleted. `organisation` is empty for the node's own.
CREATE TABLE object_count (
  prefix TEXT PRIMARY KEY,
  organisation TEXT NOT NULL,
  objects BIGINT NOT NULL
);
CREATE INDEX object_count_organisation ON object_count (organisation);

-- The next number of a pattern.
CREATE TABLE object_counter (
  prefix TEXT NOT NULL,
  pattern TEXT NOT NULL,
  next BIGINT NOT NULL,
  PRIMARY KEY (prefix, pattern)
);

-- Who may see fields that are not public. Empty scope columns do not restrict.
CREATE TABLE object_grant (
  id TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  grantee TEXT NOT NULL,
  prefix TEXT NOT NULL,
  template TEXT NOT NULL,
  identifier TEXT NOT NULL,
  fields TEXT NOT NULL,
  purpose TEXT NOT NULL,
  starts BIGINT NOT NULL,
  ends BIGINT NOT NULL,
  copies BIGINT NOT NULL,
  state TEXT NOT NULL,
  asked_by TEXT NOT NULL,
  asker TEXT NOT NULL,
  reason TEXT NOT NULL,
  decision TEXT NOT NULL,
  decided_by TEXT NOT NULL,
  created BIGINT NOT NULL,
  updated BIGINT NOT NULL,
  version BIGINT NOT NULL
);
CREATE INDEX object_grant_owner ON object_grant (owner, created);
CREATE INDEX object_grant_asker ON object_grant (asker, created);
CREATE INDEX object_grant_state ON object_grant (state);

-- Named sets of grantees, as JSON.
CREATE TABLE grant_group (
  id TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  members TEXT NOT NULL,
  created BIGINT NOT NULL,
  updated BIGINT NOT NULL,
  version BIGINT NOT NULL,
  UNIQUE (owner, name)
);

-- Every disclosure of a granted field, for its owner.
CREATE TABLE disclosure (
  id TEXT PRIMARY KEY,
  at BIGINT NOT NULL,
  owner TEXT NOT NULL,
  identifier TEXT NOT NULL,
  identifier_key TEXT NOT NULL,
  reader TEXT NOT NULL,
  organisation TEXT NOT NULL,
  address TEXT NOT NULL,
  purpose TEXT NOT NULL,
  fields TEXT NOT NULL,
  grants TEXT NOT NULL,
  door TEXT NOT NULL,
  request TEXT NOT NULL
);
CREATE INDEX disclosure_owner ON disclosure (owner, at);
CREATE INDEX disclosure_key ON disclosure (identifier_key, at);

-- Long work; its files are in a folder of its name.
CREATE TABLE job (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  state TEXT NOT NULL,
  organisation TEXT NOT NULL,
  name TEXT NOT NULL,
  digest TEXT NOT NULL,
  total BIGINT NOT NULL,
  tally TEXT NOT NULL,
  errors BIGINT NOT NULL,
  settings TEXT NOT NULL,
  bad_rows TEXT NOT NULL,
  message TEXT NOT NULL,
  author TEXT NOT NULL,
  created BIGINT NOT NULL,
  updated BIGINT NOT NULL,
  finished BIGINT NOT NULL,
  version BIGINT NOT NULL,
  everywhere BIGINT NOT NULL
);
CREATE INDEX job_organisation ON job (organisation, created);
CREATE INDEX job_state ON job (state, updated);

-- What the columns of a form were, by its headings.
CREATE TABLE import_form (
  organisation TEXT NOT NULL,
  form TEXT NOT NULL,
  settings TEXT NOT NULL,
  updated BIGINT NOT NULL,
  PRIMARY KEY (organisation, form)
);
