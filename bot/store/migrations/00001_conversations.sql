-- One text for both databases: for SQLite, BIGINT becomes INTEGER, BYTEA
-- becomes BLOB and each table STRICT as the file is read. Times are
-- milliseconds of the Unix epoch, ids are UUIDs of version 7.

-- +goose Up
CREATE TABLE conversations (
	id TEXT NOT NULL PRIMARY KEY,
	channel TEXT NOT NULL,
	remote TEXT NOT NULL,
	state TEXT NOT NULL,      -- JSON
	state_sum BYTEA NOT NULL, -- checksum of the state
	phase TEXT NOT NULL,      -- of the state, to be counted
	ticket TEXT NOT NULL DEFAULT '', -- of the state, to be found
	last_seq BIGINT NOT NULL DEFAULT 0,
	waiting_since BIGINT,     -- when the oldest unanswered message came; NULL if none waits
	next_at BIGINT NOT NULL DEFAULT 0,  -- not to be claimed before; 0 unless a turn failed
	attempts BIGINT NOT NULL DEFAULT 0, -- claims since the last turn
	last_error TEXT NOT NULL DEFAULT '',
	lease_owner TEXT NOT NULL DEFAULT '',
	lease_token TEXT NOT NULL DEFAULT '',
	lease_until BIGINT NOT NULL DEFAULT 0,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	UNIQUE (channel, remote)
);
CREATE INDEX conversations_waiting ON conversations (waiting_since, id) WHERE waiting_since IS NOT NULL;

CREATE TABLE messages (
	id TEXT NOT NULL PRIMARY KEY,
	conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
	seq BIGINT NOT NULL,
	author TEXT NOT NULL,
	kind TEXT NOT NULL,
	text TEXT NOT NULL,
	choice TEXT NOT NULL,
	payload TEXT NOT NULL, -- JSON
	at BIGINT NOT NULL,
	sum BYTEA NOT NULL,    -- of all of the above
	UNIQUE (conversation_id, seq)
);

CREATE TABLE turns (
	id TEXT NOT NULL PRIMARY KEY,
	conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
	reason TEXT NOT NULL,
	state TEXT NOT NULL,      -- JSON, after the turn
	state_sum BYTEA NOT NULL,
	at BIGINT NOT NULL
);
CREATE INDEX turns_conversation ON turns (conversation_id);

-- The unique remote decides whether a message is new, so its row is inserted
-- before the message itself.
CREATE TABLE inbox (
	message_id TEXT NOT NULL PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
	conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
	remote TEXT NOT NULL,
	seq BIGINT NOT NULL,
	state TEXT NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'done', 'dead')),
	turn_id TEXT,
	last_error TEXT NOT NULL DEFAULT '',
	received_at BIGINT NOT NULL,
	UNIQUE (conversation_id, remote)
);
CREATE INDEX inbox_new ON inbox (conversation_id, seq) WHERE state = 'new';
CREATE INDEX inbox_dead ON inbox (received_at, message_id) WHERE state = 'dead';
CREATE INDEX inbox_turn ON inbox (turn_id);

CREATE TABLE outbox (
	message_id TEXT NOT NULL PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
	conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
	channel TEXT NOT NULL,
	seq BIGINT NOT NULL,
	state TEXT NOT NULL CHECK (state IN ('new', 'sending', 'sent', 'held', 'dead')),
	turn_id TEXT,
	remote TEXT NOT NULL DEFAULT '', -- what the network calls it
	attempts BIGINT NOT NULL DEFAULT 0,
	next_at BIGINT NOT NULL DEFAULT 0,
	last_error TEXT NOT NULL DEFAULT '',
	lease_owner TEXT NOT NULL DEFAULT '',
	lease_token TEXT NOT NULL DEFAULT '',
	lease_until BIGINT NOT NULL DEFAULT 0,
	created_at BIGINT NOT NULL,
	sent_at BIGINT,
	UNIQUE (conversation_id, seq)
);
CREATE INDEX outbox_new ON outbox (created_at, message_id) WHERE state = 'new';
CREATE INDEX outbox_open ON outbox (conversation_id, seq) WHERE state IN ('new', 'sending');
CREATE INDEX outbox_sending ON outbox (lease_until) WHERE state = 'sending';
CREATE INDEX outbox_parked ON outbox (created_at, message_id) WHERE state IN ('held', 'dead');
CREATE INDEX outbox_turn ON outbox (turn_id);

CREATE TABLE cases (
	id TEXT NOT NULL PRIMARY KEY,
	ticket TEXT NOT NULL UNIQUE,
	conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
	cause TEXT NOT NULL,
	intent TEXT NOT NULL,
	card TEXT NOT NULL, -- JSON
	state TEXT NOT NULL,
	opened_at BIGINT NOT NULL,
	closed_at BIGINT
);
CREATE INDEX cases_conversation ON cases (conversation_id);
CREATE UNIQUE INDEX cases_open ON cases (conversation_id) WHERE closed_at IS NULL;

CREATE TABLE counters (
	name TEXT NOT NULL PRIMARY KEY,
	n BIGINT NOT NULL
);

CREATE TABLE outcomes (
	intent TEXT NOT NULL,
	brand TEXT NOT NULL,
	step TEXT NOT NULL,
	result TEXT NOT NULL,
	n BIGINT NOT NULL,
	PRIMARY KEY (intent, brand, step, result)
);
