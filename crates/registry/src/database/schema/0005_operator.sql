-- Tokens that stand for an API key for a day. `basis` is the digest of the key's secret when it was shown.
CREATE TABLE day_token (
  id TEXT PRIMARY KEY,
  secret TEXT NOT NULL,
  key TEXT NOT NULL,
  basis TEXT NOT NULL,
  created BIGINT NOT NULL,
  expires BIGINT NOT NULL
);
CREATE INDEX day_token_expires ON day_token (expires);
-- The interface to the registry operator above, and its other end. Moments that have not come are 0.
-- Secondary nodes that register here: an organisation and the key with which its node signs.
CREATE TABLE operator_client (
  id TEXT PRIMARY KEY,
  organisation TEXT NOT NULL,
  name TEXT NOT NULL,
  public_key TEXT NOT NULL UNIQUE,
  state TEXT NOT NULL,
  next_message BIGINT NOT NULL,
  created BIGINT NOT NULL,
  updated BIGINT NOT NULL,
  version BIGINT NOT NULL
);
CREATE INDEX operator_client_organisation ON operator_client (organisation, state);

-- What a secondary node has given out below its own prefix, as it tells.
CREATE TABLE operator_registration (
  name TEXT PRIMARY KEY,
  parent TEXT NOT NULL,
  client TEXT NOT NULL,
  organisation TEXT NOT NULL,
  subject TEXT NOT NULL,
  delegation TEXT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  expires BIGINT NOT NULL,
  created BIGINT NOT NULL,
  updated BIGINT NOT NULL,
  version BIGINT NOT NULL
);
CREATE INDEX operator_registration_client ON operator_registration (client, state);

-- What a client shall learn, in order.
CREATE TABLE operator_message (
  client TEXT NOT NULL,
  sequence BIGINT NOT NULL,
  kind TEXT NOT NULL,
  object TEXT NOT NULL,
  zh TEXT NOT NULL,
  en TEXT NOT NULL,
  data TEXT NOT NULL,
  queued BIGINT NOT NULL,
  PRIMARY KEY (client, sequence)
);

-- What this node has to tell the operator above, in order.
CREATE TABLE operator_request (
  id TEXT PRIMARY KEY,
  sequence BIGINT NOT NULL,
  prefix TEXT NOT NULL,
  kind TEXT NOT NULL,
  command TEXT NOT NULL,
  own BIGINT NOT NULL,
  state TEXT NOT NULL,
  tries BIGINT NOT NULL,
  next_try BIGINT NOT NULL,
  code BIGINT NOT NULL,
  remark TEXT NOT NULL,
  server_transaction TEXT NOT NULL,
  created BIGINT NOT NULL,
  updated BIGINT NOT NULL,
  version BIGINT NOT NULL
);
CREATE INDEX operator_request_state ON operator_request (state, sequence);
CREATE INDEX operator_request_prefix ON operator_request (prefix, state);
CREATE INDEX operator_request_sequence ON operator_request (sequence);

-- Messages from above that were applied here: a second delivery does nothing.
CREATE TABLE operator_received (
  id TEXT PRIMARY KEY,
  received BIGINT NOT NULL
);
