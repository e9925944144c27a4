-- The operator interface, continued: what a client is for and where it comes from.
ALTER TABLE operator_client ADD COLUMN prefix TEXT NOT NULL DEFAULT '';
ALTER TABLE operator_client ADD COLUMN addresses TEXT NOT NULL DEFAULT '[]';

-- The id under which a request goes out; another one once it was refused and is sent anew.
ALTER TABLE operator_request ADD COLUMN transaction_id TEXT NOT NULL DEFAULT '';
CREATE INDEX operator_request_transaction ON operator_request (transaction_id);

-- What a message from above said.
ALTER TABLE operator_received ADD COLUMN kind TEXT NOT NULL DEFAULT 'status-set';
ALTER TABLE operator_received ADD COLUMN object TEXT NOT NULL DEFAULT '';
ALTER TABLE operator_received ADD COLUMN zh TEXT NOT NULL DEFAULT '';
ALTER TABLE operator_received ADD COLUMN en TEXT NOT NULL DEFAULT '';
ALTER TABLE operator_received ADD COLUMN data TEXT NOT NULL DEFAULT 'null';
ALTER TABLE operator_received ADD COLUMN queued BIGINT NOT NULL DEFAULT 0;
CREATE INDEX operator_received_moment ON operator_received (received, id);

-- Signatures that were taken: none is taken twice. Forgotten when they are too old to be taken anyway.
CREATE TABLE operator_nonce (
  client TEXT NOT NULL,
  nonce TEXT NOT NULL,
  forget BIGINT NOT NULL,
  PRIMARY KEY (client, nonce)
);
CREATE INDEX operator_nonce_forget ON operator_nonce (forget);

-- Commands that were answered with 1001: who waits for what is decided on a prefix, and under which id.
CREATE TABLE operator_pending (
  prefix TEXT NOT NULL,
  client TEXT NOT NULL,
  transaction_id TEXT NOT NULL,
  PRIMARY KEY (prefix, client)
);

-- How the node above was found last; one row. `failing` and `told`: since when, and when administrators were told.
CREATE TABLE operator_connection (
  id BIGINT PRIMARY KEY,
  polled BIGINT NOT NULL,
  answered BIGINT NOT NULL,
  queue BIGINT NOT NULL,
  code BIGINT NOT NULL,
  fault TEXT NOT NULL,
  failing BIGINT NOT NULL,
  told BIGINT NOT NULL
);
INSERT INTO operator_connection (id, polled, answered, queue, code, fault, failing, told) VALUES (1, 0, 0, 0, 0, '', 0, 0);
