-- Conversations of one merchant, as staff have found out; '' is one by itself.

-- +goose Up
ALTER TABLE conversations ADD COLUMN merchant_id TEXT NOT NULL DEFAULT '';
CREATE INDEX conversations_merchant ON conversations (merchant_id) WHERE merchant_id <> '';
CREATE INDEX conversations_ticket ON conversations (ticket) WHERE ticket <> '' AND phase = 'with_human';
