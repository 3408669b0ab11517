-- What follows "only PostgreSQL:" is for PostgreSQL; see eventnumber.go.

-- +goose Up
-- only PostgreSQL: CREATE SEQUENCE case_event_numbers MINVALUE 0;
-- only PostgreSQL: SELECT setval('case_event_numbers', coalesce((SELECT n FROM counters WHERE name = 'event'), 0));
