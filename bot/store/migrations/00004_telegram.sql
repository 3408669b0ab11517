-- +goose Up

-- Where the fetching of updates stands, and who fetches: Telegram allows one.
CREATE TABLE telegram_bots (
	bot_id BIGINT NOT NULL PRIMARY KEY,
	next_offset BIGINT NOT NULL DEFAULT 0, -- the first update that is not stored yet; 0: whatever waits
	lease_owner TEXT NOT NULL DEFAULT '',
	lease_token TEXT NOT NULL DEFAULT '',
	lease_until BIGINT NOT NULL DEFAULT 0
);

-- Updates that could not be read, their texts masked.
CREATE TABLE telegram_dead (
	bot_id BIGINT NOT NULL,
	update_id BIGINT NOT NULL,
	remote TEXT NOT NULL DEFAULT '', -- of the conversation, as far as it can be told
	raw TEXT NOT NULL,
	why TEXT NOT NULL,
	received_at BIGINT NOT NULL,
	PRIMARY KEY (bot_id, update_id)
);
CREATE INDEX telegram_dead_remote ON telegram_dead (remote);
CREATE INDEX telegram_dead_received ON telegram_dead (received_at);

-- How many parts of a long message have been sent.
CREATE TABLE telegram_parts (
	message_id TEXT NOT NULL PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
	sent BIGINT NOT NULL
);

-- Files of messages that are still to be fetched; done is when it is settled.
CREATE TABLE telegram_files (
	message_id TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
	n BIGINT NOT NULL, -- place in the message
	attempts BIGINT NOT NULL DEFAULT 0,
	next_at BIGINT NOT NULL DEFAULT 0,
	last_error TEXT NOT NULL DEFAULT '',
	done_at BIGINT,
	PRIMARY KEY (message_id, n)
);
CREATE INDEX telegram_files_due ON telegram_files (next_at) WHERE done_at IS NULL;

-- The staff group as Telegram names it now: its id changes when it is upgraded.
CREATE TABLE telegram_groups (
	configured BIGINT NOT NULL PRIMARY KEY,
	current BIGINT NOT NULL,
	lease_owner TEXT NOT NULL DEFAULT '',
	lease_token TEXT NOT NULL DEFAULT '',
	lease_until BIGINT NOT NULL DEFAULT 0,
	paused_until BIGINT NOT NULL DEFAULT 0 -- Telegram wants to be left alone until then
);

-- The topic of a merchant in the staff group.
CREATE TABLE telegram_topics (
	conversation_id TEXT NOT NULL PRIMARY KEY REFERENCES conversations (id) ON DELETE CASCADE,
	chat BIGINT NOT NULL,
	thread BIGINT NOT NULL,    -- 0: it is to be opened
	card BIGINT NOT NULL,      -- the pinned message; 0: there is none
	ticket TEXT NOT NULL,      -- the case that the card shows
	shown BIGINT NOT NULL,     -- the version of the case on the card
	name TEXT NOT NULL,        -- of the topic
	closed BIGINT NOT NULL,    -- 1: the topic is closed
	relayed BIGINT NOT NULL,   -- seq of the last message that was brought over
	listed BIGINT NOT NULL,    -- 1: named in a list of many, in place of an alert of its own
	updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX telegram_topics_thread ON telegram_topics (chat, thread) WHERE thread > 0;

-- What staff wrote in a topic, until it is marked as delivered or not.
CREATE TABLE telegram_posts (
	message_id TEXT NOT NULL PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
	chat BIGINT NOT NULL,
	thread BIGINT NOT NULL,
	post BIGINT NOT NULL,    -- the message in the group
	marked BIGINT NOT NULL DEFAULT 0, -- 1: staff have been told what became of it
	created_at BIGINT NOT NULL
);
CREATE INDEX telegram_posts_open ON telegram_posts (created_at) WHERE marked = 0;

-- Since when staff do not want to hear of a merchant any more; 0: they do.
ALTER TABLE conversations ADD COLUMN blocked_at BIGINT NOT NULL DEFAULT 0;
