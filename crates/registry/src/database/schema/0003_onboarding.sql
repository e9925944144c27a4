-- Applications: the newest content stands here, every saved one in application_version. `organisation` is empty while
-- an enterprise is not there yet; `waiting` is 1 while somebody at the node has to do something.
CREATE TABLE application (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  state TEXT NOT NULL,
  organisation TEXT NOT NULL,
  title TEXT NOT NULL,
  applicant TEXT NOT NULL,
  applicant_name TEXT NOT NULL,
  content TEXT NOT NULL,
  content_version BIGINT NOT NULL,
  base TEXT NOT NULL,
  claimed_by TEXT NOT NULL,
  claimed_name TEXT NOT NULL,
  waiting BIGINT NOT NULL,
  submitted BIGINT NOT NULL,
  due BIGINT NOT NULL,
  reminded BIGINT NOT NULL,
  decided BIGINT NOT NULL,
  result TEXT NOT NULL,
  created BIGINT NOT NULL,
  updated BIGINT NOT NULL,
  version BIGINT NOT NULL
);
CREATE INDEX application_organisation ON application (organisation, created, id);
CREATE INDEX application_waiting ON application (waiting, due);
CREATE INDEX application_created ON application (created, id);

CREATE TABLE application_version (
  application TEXT NOT NULL,
  number BIGINT NOT NULL,
  content TEXT NOT NULL,
  author TEXT NOT NULL,
  author_name TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (application, number)
);

-- What happened to an application: who, what, why, when.
CREATE TABLE application_step (
  application TEXT NOT NULL,
  number BIGINT NOT NULL,
  event TEXT NOT NULL,
  from_state TEXT NOT NULL,
  to_state TEXT NOT NULL,
  content_version BIGINT NOT NULL,
  actor TEXT NOT NULL,
  actor_name TEXT NOT NULL,
  reason TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (application, number)
);

-- What was verified. It counts as long as the part of the content that was looked at (input_digest) is the same.
CREATE TABLE evidence (
  id TEXT PRIMARY KEY,
  application TEXT NOT NULL,
  number BIGINT NOT NULL,
  content_version BIGINT NOT NULL,
  aspect TEXT NOT NULL,
  checker TEXT NOT NULL,
  method TEXT NOT NULL,
  actor TEXT NOT NULL,
  actor_name TEXT NOT NULL,
  at BIGINT NOT NULL,
  input_digest TEXT NOT NULL,
  outcome TEXT NOT NULL,
  findings TEXT NOT NULL,
  document TEXT NOT NULL,
  override_reason TEXT NOT NULL,
  override_by TEXT NOT NULL,
  override_at BIGINT NOT NULL,
  UNIQUE (application, number)
);

-- Verifications that the node has to make with the help of others.
CREATE TABLE check_job (
  application TEXT NOT NULL,
  checker TEXT NOT NULL,
  content_version BIGINT NOT NULL,
  attempts BIGINT NOT NULL,
  next BIGINT NOT NULL,
  fault TEXT NOT NULL,
  PRIMARY KEY (application, checker)
);
CREATE INDEX check_job_next ON check_job (next);

-- Documents, each of one application or of one organisation. The octets are in a folder, by their digest.
CREATE TABLE document (
  id TEXT PRIMARY KEY,
  application TEXT NOT NULL,
  organisation TEXT NOT NULL,
  digest TEXT NOT NULL,
  name TEXT NOT NULL,
  media_type TEXT NOT NULL,
  size BIGINT NOT NULL,
  author TEXT NOT NULL,
  at BIGINT NOT NULL
);
CREATE INDEX document_application ON document (application, at);
CREATE INDEX document_organisation ON document (organisation, at);
CREATE INDEX document_digest ON document (digest);

-- Notices. `audience` is account:…, organisation:… or permission:….
CREATE TABLE notice (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  audience TEXT NOT NULL,
  object TEXT NOT NULL,
  title_zh TEXT NOT NULL,
  title_en TEXT NOT NULL,
  body_zh TEXT NOT NULL,
  body_en TEXT NOT NULL,
  at BIGINT NOT NULL
);
CREATE INDEX notice_audience ON notice (audience, at);
CREATE INDEX notice_at ON notice (at, id);

CREATE TABLE notice_read (
  notice TEXT NOT NULL,
  account TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (notice, account)
);

-- Notices on their way out of the node. `target` is an address, or the name of a webhook in the settings.
CREATE TABLE delivery (
  id TEXT PRIMARY KEY,
  notice TEXT NOT NULL,
  channel TEXT NOT NULL,
  target TEXT NOT NULL,
  state TEXT NOT NULL,
  attempts BIGINT NOT NULL,
  next BIGINT NOT NULL,
  fault TEXT NOT NULL,
  created BIGINT NOT NULL,
  delivered BIGINT NOT NULL
);
CREATE INDEX delivery_waiting ON delivery (state, next);
CREATE INDEX delivery_created ON delivery (created, id);
