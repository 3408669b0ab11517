-- A reply that waits for something else than a better moment lets those after
-- it pass. Its own time says so no more once a clock has been set.

-- +goose Up
ALTER TABLE outbox ADD COLUMN passable BIGINT NOT NULL DEFAULT 0;
UPDATE outbox SET passable = 1 WHERE state = 'new' AND next_at > created_at + 24 * 60 * 60 * 1000;
