-- Moments are milliseconds since 1970, flags 0 or 1, documents JSON in TEXT.

-- Organisations: the node's operator and the enterprises below it.
CREATE TABLE organisation (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  certificate_type TEXT NOT NULL,
  certificate_code TEXT NOT NULL,
  state TEXT NOT NULL,
  industry TEXT NOT NULL,
  region TEXT NOT NULL,
  subject TEXT NOT NULL,
  created BIGINT NOT NULL,
  updated BIGINT NOT NULL,
  version BIGINT NOT NULL,
  UNIQUE (certificate_type, certificate_code)
);
CREATE INDEX organisation_created ON organisation (created, id);
CREATE INDEX organisation_name ON organisation (name);

-- The audit chain. `hash` covers the entry and the hash before it.
CREATE TABLE audit_entry (
  sequence BIGINT PRIMARY KEY,
  at BIGINT NOT NULL,
  actor TEXT NOT NULL,
  origin TEXT NOT NULL,
  account TEXT NOT NULL,
  address TEXT NOT NULL,
  request TEXT NOT NULL,
  organisation TEXT NOT NULL,
  action TEXT NOT NULL,
  object TEXT NOT NULL,
  outcome TEXT NOT NULL,
  before_state TEXT NOT NULL,
  after_state TEXT NOT NULL,
  hash TEXT NOT NULL
);
CREATE INDEX audit_at ON audit_entry (at);
CREATE INDEX audit_object ON audit_entry (object, sequence);
CREATE INDEX audit_account ON audit_entry (account, sequence);

-- One row: the newest entry, and the newest one that was pruned. Whoever writes holds this row.
CREATE TABLE audit_head (
  id BIGINT PRIMARY KEY,
  sequence BIGINT NOT NULL,
  hash TEXT NOT NULL,
  pruned_sequence BIGINT NOT NULL,
  pruned_hash TEXT NOT NULL
);
INSERT INTO audit_head (id, sequence, hash, pruned_sequence, pruned_hash) VALUES (1, 0, '', 0, '');

-- What the data plane shall know: the whole wanted state of one prefix per row, applied in order.
CREATE TABLE outbox (
  sequence BIGINT PRIMARY KEY,
  prefix TEXT NOT NULL,
  wanted TEXT NOT NULL,
  created BIGINT NOT NULL,
  published BIGINT,
  attempts BIGINT NOT NULL,
  fault TEXT NOT NULL
);
CREATE INDEX outbox_waiting ON outbox (published, sequence);
CREATE INDEX outbox_prefix ON outbox (prefix, sequence);

-- Answers to repeat.
CREATE TABLE answered (
  account TEXT NOT NULL,
  idempotency_key TEXT NOT NULL,
  digest TEXT NOT NULL,
  answer TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (account, idempotency_key)
);
CREATE INDEX answered_at ON answered (at);

-- Settings that are changed while the node runs: one JSON document per name.
CREATE TABLE setting (
  name TEXT PRIMARY KEY,
  document TEXT NOT NULL,
  updated BIGINT NOT NULL
);
