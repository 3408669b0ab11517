-- Words are looked for by word, newest case first: the key has them in that
-- order, and PostgreSQL cannot mistake the other one for it. A single Chinese
-- character finds what it is in.

-- +goose Up
CREATE TABLE case_words_by_word (
	word TEXT NOT NULL,
	number BIGINT NOT NULL REFERENCES cases (number) ON DELETE CASCADE,
	PRIMARY KEY (word, number)
);
INSERT INTO case_words_by_word (word, number) SELECT word, number FROM case_words;
INSERT INTO case_words_by_word (word, number)
	SELECT substr(word, 1, 1), number FROM case_words WHERE length(word) = 2 AND octet_length(word) >= 6
	UNION SELECT substr(word, 2, 1), number FROM case_words WHERE length(word) = 2 AND octet_length(word) >= 6
	ON CONFLICT DO NOTHING;
DROP TABLE case_words;
ALTER TABLE case_words_by_word RENAME TO case_words;
CREATE INDEX case_words_number ON case_words (number);
