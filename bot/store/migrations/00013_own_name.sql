-- What a conversation has by itself while it is merged with others: what it is
-- given back when the merge is.

-- +goose Up
ALTER TABLE conversations ADD COLUMN own_merchant TEXT NOT NULL DEFAULT '';
ALTER TABLE conversations ADD COLUMN own_blocked_at BIGINT NOT NULL DEFAULT 0;
UPDATE conversations SET own_merchant = merchant, own_blocked_at = blocked_at WHERE merchant_id <> '';
