-- Prefixes: one row per name, for ever. Moments that have not come are 0.
CREATE TABLE prefix (
  name TEXT PRIMARY KEY,
  system TEXT NOT NULL,
  parent TEXT NOT NULL,
  origin TEXT NOT NULL,
  organisation TEXT NOT NULL,
  sponsor TEXT NOT NULL,
  state TEXT NOT NULL,
  flags TEXT NOT NULL,
  hosting BIGINT NOT NULL,
  delegation TEXT NOT NULL,
  proof TEXT NOT NULL,
  reason TEXT NOT NULL,
  auto_renew BIGINT NOT NULL,
  had_objects BIGINT NOT NULL,
  suspended BIGINT NOT NULL,
  lapsed BIGINT NOT NULL,
  created BIGINT NOT NULL,
  enabled BIGINT NOT NULL,
  expires BIGINT NOT NULL,
  transferred BIGINT NOT NULL,
  ended BIGINT NOT NULL,
  noticed BIGINT NOT NULL,
  homed_until BIGINT NOT NULL,
  due BIGINT NOT NULL,
  code_hash TEXT NOT NULL,
  code_expires BIGINT NOT NULL,
  code_by_holder BIGINT NOT NULL,
  updated BIGINT NOT NULL,
  version BIGINT NOT NULL
);
CREATE INDEX prefix_organisation ON prefix (organisation, state);
CREATE INDEX prefix_sponsor ON prefix (sponsor, name);
CREATE INDEX prefix_parent ON prefix (parent, name);
CREATE INDEX prefix_system ON prefix (system, name);
CREATE INDEX prefix_created ON prefix (created, name);
CREATE INDEX prefix_due ON prefix (due);

-- The node's own prefixes, below which it allocates, and how their numbers are given out.
CREATE TABLE own_prefix (
  name TEXT PRIMARY KEY,
  plan TEXT NOT NULL,
  next_number BIGINT NOT NULL,
  active BIGINT NOT NULL,
  updated BIGINT NOT NULL,
  version BIGINT NOT NULL
);

-- Names that are not given out, or only to one organisation or with a reason.
CREATE TABLE reservation (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  pattern TEXT NOT NULL,
  first_number BIGINT NOT NULL,
  last_number BIGINT NOT NULL,
  organisation TEXT NOT NULL,
  reason TEXT NOT NULL,
  created BIGINT NOT NULL,
  version BIGINT NOT NULL
);
CREATE INDEX reservation_created ON reservation (created, id);

-- How much an organisation may have, where it is not the default.
CREATE TABLE quota (
  organisation TEXT NOT NULL,
  kind TEXT NOT NULL,
  most BIGINT NOT NULL,
  updated BIGINT NOT NULL,
  PRIMARY KEY (organisation, kind)
);

-- Transfers of prefixes between organisations and between sponsors.
CREATE TABLE transfer (
  id TEXT PRIMARY KEY,
  prefix TEXT NOT NULL,
  kind TEXT NOT NULL,
  gaining TEXT NOT NULL,
  losing TEXT NOT NULL,
  holder TEXT NOT NULL,
  state TEXT NOT NULL,
  delegation TEXT NOT NULL,
  losing_consent BIGINT NOT NULL,
  holder_consent BIGINT NOT NULL,
  requested_by TEXT NOT NULL,
  requested BIGINT NOT NULL,
  due BIGINT NOT NULL,
  decided_by TEXT NOT NULL,
  decided BIGINT NOT NULL,
  reason TEXT NOT NULL,
  remark TEXT NOT NULL,
  version BIGINT NOT NULL
);
CREATE INDEX transfer_prefix ON transfer (prefix, requested);
CREATE INDEX transfer_due ON transfer (state, due);
CREATE INDEX transfer_requested ON transfer (requested, id);
