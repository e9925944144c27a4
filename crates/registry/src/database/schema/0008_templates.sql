-- Metadata: definitions of single fields. `organisation` is empty for those of the node. Versions are never changed.
CREATE TABLE metadata (
  id TEXT PRIMARY KEY,
  level TEXT NOT NULL,
  organisation TEXT NOT NULL,
  code TEXT NOT NULL,
  name TEXT NOT NULL,
  industry TEXT NOT NULL,
  state TEXT NOT NULL,
  base TEXT NOT NULL,
  content TEXT NOT NULL,
  created BIGINT NOT NULL,
  updated BIGINT NOT NULL,
  version BIGINT NOT NULL,
  UNIQUE (organisation, level, code)
);
CREATE TABLE metadata_version (
  metadata TEXT NOT NULL,
  version BIGINT NOT NULL,
  state TEXT NOT NULL,
  content TEXT NOT NULL,
  created BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  PRIMARY KEY (metadata, version)
);

-- What enterprises propose for the metadata of an industry.
CREATE TABLE metadata_proposal (
  id TEXT PRIMARY KEY,
  organisation TEXT NOT NULL,
  code TEXT NOT NULL,
  industry TEXT NOT NULL,
  state TEXT NOT NULL,
  content TEXT NOT NULL,
  reason TEXT NOT NULL,
  decision TEXT NOT NULL,
  decided_by TEXT NOT NULL,
  metadata TEXT NOT NULL,
  created BIGINT NOT NULL,
  updated BIGINT NOT NULL,
  version BIGINT NOT NULL
);
CREATE INDEX metadata_proposal_organisation ON metadata_proposal (organisation, created);

-- Templates. `organisation` is empty for those of the node; `version` counts changes, `version_text` is the maker's.
CREATE TABLE template (
  id TEXT PRIMARY KEY,
  handle TEXT NOT NULL,
  handle_key TEXT NOT NULL UNIQUE,
  prefix TEXT NOT NULL,
  version_text TEXT NOT NULL,
  organisation TEXT NOT NULL,
  name TEXT NOT NULL,
  class TEXT NOT NULL,
  industry TEXT NOT NULL,
  object_type BIGINT NOT NULL,
  state TEXT NOT NULL,
  scope TEXT NOT NULL,
  base TEXT NOT NULL,
  content TEXT NOT NULL,
  revision BIGINT NOT NULL,
  created BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  updated BIGINT NOT NULL,
  published BIGINT NOT NULL,
  version BIGINT NOT NULL,
  UNIQUE (prefix, version_text)
);
CREATE INDEX template_organisation ON template (organisation, created);

-- What was published, as it was. Never changed.
CREATE TABLE template_revision (
  template TEXT NOT NULL,
  revision BIGINT NOT NULL,
  content TEXT NOT NULL,
  created BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  PRIMARY KEY (template, revision)
);

-- Organisations that may use a template whose scope is `named`.
CREATE TABLE template_user (
  template TEXT NOT NULL,
  organisation TEXT NOT NULL,
  PRIMARY KEY (template, organisation)
);
CREATE INDEX template_user_organisation ON template_user (organisation);
