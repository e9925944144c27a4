-- People and machines that may ask. `login` is folded; `password` is a PHC string, empty where there is none.
CREATE TABLE account (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  organisation TEXT NOT NULL REFERENCES organisation (id),
  login TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  email TEXT UNIQUE,
  mobile TEXT UNIQUE,
  state TEXT NOT NULL,
  password TEXT NOT NULL,
  password_at BIGINT NOT NULL,
  must_change BIGINT NOT NULL,
  totp TEXT NOT NULL,
  totp_confirmed BIGINT NOT NULL,
  totp_step BIGINT NOT NULL,
  last_sign_in BIGINT NOT NULL,
  created BIGINT NOT NULL,
  updated BIGINT NOT NULL,
  version BIGINT NOT NULL
);
CREATE INDEX account_organisation ON account (organisation, created);
CREATE INDEX account_created ON account (created, id);

-- Hashes of the last passwords, so that none comes back at once.
CREATE TABLE account_password (
  account TEXT NOT NULL REFERENCES account (id),
  at BIGINT NOT NULL,
  password TEXT NOT NULL,
  PRIMARY KEY (account, at)
);

-- Recovery codes that are not used yet, as digests.
CREATE TABLE recovery_code (
  account TEXT NOT NULL REFERENCES account (id),
  digest TEXT NOT NULL,
  PRIMARY KEY (account, digest)
);

-- Roles. Those of the program are written at each start; `organisation` is empty unless only one may give it.
CREATE TABLE role (
  id TEXT PRIMARY KEY,
  reach TEXT NOT NULL,
  organisation TEXT NOT NULL,
  zh TEXT NOT NULL,
  en TEXT NOT NULL,
  permissions TEXT NOT NULL,
  totp BIGINT NOT NULL,
  built_in BIGINT NOT NULL,
  created BIGINT NOT NULL,
  updated BIGINT NOT NULL,
  version BIGINT NOT NULL
);

CREATE TABLE account_role (
  account TEXT NOT NULL REFERENCES account (id),
  role TEXT NOT NULL REFERENCES role (id),
  PRIMARY KEY (account, role)
);
CREATE INDEX account_role_role ON account_role (role);

-- Who is signed in. `secret` is a digest; `used` is written at most once a minute.
CREATE TABLE session (
  id TEXT PRIMARY KEY,
  account TEXT NOT NULL REFERENCES account (id),
  secret TEXT NOT NULL,
  address TEXT NOT NULL,
  agent TEXT NOT NULL,
  created BIGINT NOT NULL,
  used BIGINT NOT NULL,
  idle BIGINT NOT NULL,
  expires BIGINT NOT NULL
);
CREATE INDEX session_account ON session (account, created);
CREATE INDEX session_expires ON session (expires);

-- Failures to sign in, by account, by login that nobody has, and by address.
CREATE TABLE sign_in_guard (
  subject TEXT PRIMARY KEY,
  failures BIGINT NOT NULL,
  since BIGINT NOT NULL,
  locks BIGINT NOT NULL,
  locked_until BIGINT NOT NULL,
  touched BIGINT NOT NULL
);
CREATE INDEX sign_in_guard_touched ON sign_in_guard (touched);

-- Invitations and resets: one of each kind per account.
CREATE TABLE account_token (
  id TEXT PRIMARY KEY,
  purpose TEXT NOT NULL,
  account TEXT NOT NULL REFERENCES account (id),
  secret TEXT NOT NULL,
  created BIGINT NOT NULL,
  expires BIGINT NOT NULL,
  used BIGINT NOT NULL,
  UNIQUE (account, purpose)
);

-- API keys. `secret` is a digest; `former` is the one before a rotation, good until `former_until`.
CREATE TABLE api_key (
  id TEXT PRIMARY KEY,
  account TEXT NOT NULL REFERENCES account (id),
  organisation TEXT NOT NULL,
  note TEXT NOT NULL,
  secret TEXT NOT NULL,
  former TEXT NOT NULL,
  former_until BIGINT NOT NULL,
  permissions TEXT NOT NULL,
  addresses TEXT NOT NULL,
  expires BIGINT NOT NULL,
  revoked BIGINT NOT NULL,
  used BIGINT NOT NULL,
  created BIGINT NOT NULL,
  updated BIGINT NOT NULL,
  version BIGINT NOT NULL
);
CREATE INDEX api_key_account ON api_key (account, created);
CREATE INDEX api_key_created ON api_key (created, id);
