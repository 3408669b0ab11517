-- The people who answer merchants, how they sign in, and what they did.

-- +goose Up
CREATE TABLE staff (
	id TEXT NOT NULL PRIMARY KEY,
	name TEXT NOT NULL,
	name_key TEXT NOT NULL UNIQUE, -- the name as it is compared
	role TEXT NOT NULL CHECK (role IN ('agent', 'lead')),
	lang TEXT NOT NULL,       -- of the desk; empty follows the browser
	speaks TEXT NOT NULL,     -- with merchants: languages with commas between
	theme TEXT NOT NULL,
	away BIGINT NOT NULL,     -- 0 or 1
	telegram BIGINT UNIQUE,   -- user id
	password TEXT NOT NULL,   -- its hash; empty if there is none
	password_once BIGINT NOT NULL, -- 1: must be changed at the first sign-in
	password_until BIGINT,
	issuer TEXT NOT NULL,     -- of OpenID Connect; empty if not linked
	subject TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	disabled_at BIGINT,
	signed_in_at BIGINT
);
CREATE UNIQUE INDEX staff_subject ON staff (issuer, subject) WHERE issuer <> '';

CREATE TABLE staff_sessions (
	id TEXT NOT NULL PRIMARY KEY, -- to be listed and ended; the token is another
	token_hash BYTEA NOT NULL UNIQUE,
	staff_id TEXT NOT NULL REFERENCES staff (id) ON DELETE CASCADE,
	method TEXT NOT NULL,
	address TEXT NOT NULL,
	browser TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	seen_at BIGINT NOT NULL,
	ends_at BIGINT NOT NULL
);
CREATE INDEX staff_sessions_staff ON staff_sessions (staff_id);
CREATE INDEX staff_sessions_end ON staff_sessions (ends_at);

-- Browsers that somebody has signed in with. Their tries to sign in are counted
-- apart, so that strangers who guess cannot keep the owner out.
CREATE TABLE staff_browsers (
	token_hash BYTEA NOT NULL,
	staff_id TEXT NOT NULL REFERENCES staff (id) ON DELETE CASCADE,
	ends_at BIGINT NOT NULL,
	PRIMARY KEY (token_hash, staff_id)
);
CREATE INDEX staff_browsers_staff ON staff_browsers (staff_id);

-- One-time codes that link an account to a Telegram user.
CREATE TABLE staff_codes (
	code_hash BYTEA NOT NULL PRIMARY KEY,
	staff_id TEXT NOT NULL REFERENCES staff (id) ON DELETE CASCADE,
	ends_at BIGINT NOT NULL
);
CREATE INDEX staff_codes_staff ON staff_codes (staff_id);

-- Failed tries to sign in, by account, address or browser.
CREATE TABLE signin_tries (
	who TEXT NOT NULL PRIMARY KEY,
	n BIGINT NOT NULL,
	last_at BIGINT NOT NULL,
	next_at BIGINT NOT NULL
);
CREATE INDEX signin_tries_last ON signin_tries (last_at);

-- Append-only; each sum covers the one before it.
CREATE TABLE audit (
	seq BIGINT NOT NULL PRIMARY KEY,
	at BIGINT NOT NULL,
	actor TEXT NOT NULL,
	name TEXT NOT NULL,
	action TEXT NOT NULL,
	object TEXT NOT NULL,
	details TEXT NOT NULL,
	address TEXT NOT NULL,
	sum BYTEA NOT NULL
);
CREATE INDEX audit_at ON audit (at);
