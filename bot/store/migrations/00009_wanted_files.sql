-- Files are fetched later from more networks than one.

-- +goose Up

ALTER TABLE telegram_files RENAME TO wanted_files;
