-- What a network needs that answers within a request, grants a few messages
-- for a while, and wants a token that all replicas share.

-- +goose Up

-- Pieces of a long message that are delivered already.
ALTER TABLE outbox ADD COLUMN pieces BIGINT NOT NULL DEFAULT 0;

-- What the answer to a request of the network carried, to be the same for
-- each repetition of the request.
CREATE TABLE carried (
	conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
	remote TEXT NOT NULL,    -- what makes the request the same
	body TEXT NOT NULL,      -- '' if there was nothing to say
	invites BIGINT NOT NULL, -- 1 if it tells the merchant to ask for the rest
	at BIGINT NOT NULL,
	sum BYTEA NOT NULL,      -- of the body
	PRIMARY KEY (conversation_id, remote)
);
CREATE INDEX carried_at ON carried (conversation_id, at);

-- What the network lets us send now.
CREATE TABLE windows (
	conversation_id TEXT NOT NULL PRIMARY KEY REFERENCES conversations (id) ON DELETE CASCADE,
	kind TEXT NOT NULL,
	opened_at BIGINT NOT NULL,
	until BIGINT NOT NULL,
	allowed BIGINT NOT NULL,
	used BIGINT NOT NULL
);

-- Tokens of networks, sealed by who uses them.
CREATE TABLE credentials (
	name TEXT NOT NULL PRIMARY KEY,
	sealed TEXT NOT NULL,
	version BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	lease_token TEXT NOT NULL,
	lease_until BIGINT NOT NULL
);

-- What was learnt about accounts on networks, by name.
CREATE TABLE facts (
	name TEXT NOT NULL PRIMARY KEY,
	value TEXT NOT NULL,
	at BIGINT NOT NULL
);
