-- What one process at a time does now and then; see 00001 for how this is
-- read.

-- +goose Up
CREATE TABLE jobs (
	name TEXT NOT NULL PRIMARY KEY,
	next_at BIGINT NOT NULL DEFAULT 0,
	done_at BIGINT NOT NULL DEFAULT 0, -- the last time that it was done
	last_error TEXT NOT NULL DEFAULT '',
	lease_owner TEXT NOT NULL DEFAULT '',
	lease_token TEXT NOT NULL DEFAULT '',
	lease_until BIGINT NOT NULL DEFAULT 0
);
