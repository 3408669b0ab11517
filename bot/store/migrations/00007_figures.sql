-- What the figures of the desk are counted from; see 00001 for how this is
-- read.

-- +goose Up
CREATE INDEX turns_counted ON turns (at) WHERE reason IN ('fix_started', 'fixed');
CREATE INDEX cases_opened ON cases (opened_at);
