-- What people do with cases; see 00001 for how this is read.

-- +goose Up
ALTER TABLE conversations ADD COLUMN merchant TEXT NOT NULL DEFAULT ''; -- what staff call them

ALTER TABLE cases ADD COLUMN number BIGINT NOT NULL DEFAULT 0;
ALTER TABLE cases ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE cases ADD COLUMN is_open BIGINT NOT NULL DEFAULT 1; -- 1 if the state is one with people
ALTER TABLE cases ADD COLUMN owner TEXT NOT NULL DEFAULT '';
ALTER TABLE cases ADD COLUMN rank BIGINT NOT NULL DEFAULT 2;    -- 3 less the urgency, so that the queue ascends
ALTER TABLE cases ADD COLUMN channel TEXT NOT NULL DEFAULT '';
ALTER TABLE cases ADD COLUMN lang TEXT NOT NULL DEFAULT '';
ALTER TABLE cases ADD COLUMN traditional BIGINT NOT NULL DEFAULT 0;
ALTER TABLE cases ADD COLUMN tags TEXT NOT NULL DEFAULT '';     -- with commas
ALTER TABLE cases ADD COLUMN handed_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE cases ADD COLUMN taken_at BIGINT;
ALTER TABLE cases ADD COLUMN answered_at BIGINT;
ALTER TABLE cases ADD COLUMN resolved_at BIGINT;
ALTER TABLE cases ADD COLUMN updated_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE cases ADD COLUMN snoozed_until BIGINT NOT NULL DEFAULT 0;
ALTER TABLE cases ADD COLUMN unanswered_at BIGINT NOT NULL DEFAULT 4611686018427387904; -- this far off if nothing waits
ALTER TABLE cases ADD COLUMN escalated TEXT NOT NULL DEFAULT ''; -- with commas
ALTER TABLE cases ADD COLUMN found_cause TEXT NOT NULL DEFAULT '';
ALTER TABLE cases ADD COLUMN found_fix TEXT NOT NULL DEFAULT '';
ALTER TABLE cases ADD COLUMN solved TEXT NOT NULL DEFAULT '';
ALTER TABLE cases ADD COLUMN rating BIGINT NOT NULL DEFAULT 0;
ALTER TABLE cases ADD COLUMN merged_into TEXT NOT NULL DEFAULT '';

UPDATE cases SET number = CAST(substr(ticket, 2) AS BIGINT), handed_at = opened_at, updated_at = opened_at, unanswered_at = opened_at,
	is_open = CASE WHEN closed_at IS NULL THEN 1 ELSE 0 END,
	channel = (SELECT c.channel FROM conversations c WHERE c.id = cases.conversation_id);

CREATE UNIQUE INDEX cases_number ON cases (number);
CREATE INDEX cases_state ON cases (state, number);
CREATE INDEX cases_owner ON cases (owner, number);
CREATE INDEX cases_intent ON cases (intent, number);
CREATE INDEX cases_queue ON cases (rank, unanswered_at, number) WHERE is_open = 1;
CREATE INDEX cases_queue_owner ON cases (owner, rank, unanswered_at, number) WHERE is_open = 1;
CREATE INDEX cases_queue_intent ON cases (intent, rank, unanswered_at, number) WHERE is_open = 1;
CREATE INDEX cases_snoozed ON cases (snoozed_until) WHERE snoozed_until > 0;
CREATE INDEX cases_quiet ON cases (updated_at) WHERE is_open = 0 AND closed_at IS NULL;
CREATE INDEX cases_answered ON cases (answered_at) WHERE answered_at IS NOT NULL;

CREATE TABLE case_tags (
	tag TEXT NOT NULL,
	number BIGINT NOT NULL REFERENCES cases (number) ON DELETE CASCADE,
	PRIMARY KEY (tag, number)
);
CREATE INDEX case_tags_number ON case_tags (number);

-- What cases are found by: the words, and the pairs of Chinese characters, of
-- their texts.
CREATE TABLE case_words (
	number BIGINT NOT NULL REFERENCES cases (number) ON DELETE CASCADE,
	word TEXT NOT NULL,
	PRIMARY KEY (number, word)
);
CREATE INDEX case_words_word ON case_words (word, number);

-- n counts up in the order in which events become visible.
CREATE TABLE case_events (
	n BIGINT NOT NULL PRIMARY KEY,
	case_id TEXT NOT NULL REFERENCES cases (id) ON DELETE CASCADE,
	conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
	ticket TEXT NOT NULL,
	kind TEXT NOT NULL,
	from_state TEXT NOT NULL,
	to_state TEXT NOT NULL,
	actor TEXT NOT NULL,    -- who of the staff; '' for merchant, bot and desk
	owner TEXT NOT NULL,    -- of the case, after it
	text TEXT NOT NULL,
	mentions TEXT NOT NULL, -- ids of staff, with commas
	message TEXT NOT NULL,  -- id of the message that it is about
	client TEXT NOT NULL,   -- what the client calls the action; the same one is done once
	version BIGINT NOT NULL,
	at BIGINT NOT NULL
);
CREATE INDEX case_events_case ON case_events (case_id, n);
CREATE INDEX case_events_conversation ON case_events (conversation_id);
CREATE INDEX case_events_ticket ON case_events (ticket, n);
CREATE UNIQUE INDEX case_events_client ON case_events (case_id, client) WHERE client <> '';

CREATE TABLE case_viewers (
	case_id TEXT NOT NULL REFERENCES cases (id) ON DELETE CASCADE,
	staff TEXT NOT NULL,
	typing BIGINT NOT NULL,
	gone BIGINT NOT NULL,
	seen_at BIGINT NOT NULL,
	PRIMARY KEY (case_id, staff)
);
CREATE INDEX case_viewers_seen ON case_viewers (seen_at);

CREATE TABLE canned (
	id TEXT NOT NULL PRIMARY KEY,
	name TEXT NOT NULL UNIQUE,
	zh TEXT NOT NULL,
	en TEXT NOT NULL,
	changed_by TEXT NOT NULL,
	updated_at BIGINT NOT NULL
);

CREATE TABLE settings (
	name TEXT NOT NULL PRIMARY KEY,
	value TEXT NOT NULL
);

-- How far the events have been passed on to each target: a web-hook, mail.
CREATE TABLE hook_targets (
	target TEXT NOT NULL PRIMARY KEY,
	event BIGINT NOT NULL -- the last one
);

CREATE TABLE hook_deliveries (
	id TEXT NOT NULL PRIMARY KEY,
	target TEXT NOT NULL,
	event BIGINT NOT NULL REFERENCES case_events (n) ON DELETE CASCADE,
	state TEXT NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'done', 'dead')),
	attempts BIGINT NOT NULL DEFAULT 0,
	next_at BIGINT NOT NULL DEFAULT 0, -- a claim puts it off
	last_error TEXT NOT NULL DEFAULT '',
	created_at BIGINT NOT NULL,
	UNIQUE (target, event)
);
CREATE INDEX hook_deliveries_due ON hook_deliveries (next_at) WHERE state = 'new';
CREATE INDEX hook_deliveries_event ON hook_deliveries (event);
