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
