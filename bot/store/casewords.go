package store

import (
	"context"
	"maps"
	"slices"
	"unicode"
	"unicode/utf8"

	"tilldesk/bot/desk"
	"tilldesk/intents"
)

const (
	maxWords    = 600 // of one text that a case is found by
	maxWord     = 32  // bytes
	talkIndexed = 30  // messages before the hand-over by which a case is found
)

// wordsOf returns the words of a text, each once, and of a run of Chinese
// characters each two that stand together. Neither database finds words inside
// Chinese sentences by itself. characters are the Chinese ones by themselves,
// and alone those of them that stand between others.
func wordsOf(text string) (words, characters, alone []string) {
	found := map[string]bool{}
	add := func(to *[]string, w string) {
		if len(w) > 0 && len(w) <= maxWord && !found[w] {
			found[w] = true
			*to = append(*to, w)
		}
	}
	word, run := "", []rune(nil)
	end := func() {
		add(&words, word)
		if len(run) == 1 {
			alone = append(alone, string(run))
		}
		word, run = "", run[:0]
	}
	for _, r := range intents.Normalise(text) {
		switch {
		case unicode.Is(unicode.Han, r):
			if word != "" {
				end()
			}
			if len(run) > 0 {
				add(&words, string(run[len(run)-1])+string(r))
			}
			run = append(run, r)
			add(&characters, string(r))
		case unicode.IsLetter(r) || unicode.IsNumber(r):
			if len(run) > 0 {
				end()
			}
			word += string(r)
		default:
			end()
		}
	}
	end()
	return words, characters, alone
}

// foundBy returns all that a text is found by: its words first, if they are too
// many.
func foundBy(text string) []string {
	words, characters, _ := wordsOf(text)
	words = append(words, characters...)
	return words[:min(len(words), maxWords)]
}

// index lets a case be found by the texts.
func index(ctx context.Context, tx querier, number int64, texts ...string) error {
	found := map[string]bool{}
	for _, text := range texts {
		for _, w := range foundBy(text) {
			found[w] = true
		}
	}
	// In one order, or two transactions could wait for each other.
	for some := range slices.Chunk(slices.Sorted(maps.Keys(found)), 64) {
		if _, err := exec(ctx, tx, "INSERT INTO case_words (word, number) VALUES "+tuples(2, len(some), 1, "$1")+" ON CONFLICT DO NOTHING",
			append([]any{number}, anys(some)...)...); err != nil {
			return err
		}
	}
	return nil
}

// indexTalk lets a new case be found by what was said before it.
func indexTalk(ctx context.Context, tx querier, c desk.Case) error {
	texts, err := collect(ctx, tx, scanOne[string],
		"SELECT text FROM messages WHERE conversation_id = $1 AND author = 'merchant' ORDER BY seq DESC LIMIT $2", string(c.Conversation), talkIndexed)
	if err != nil {
		return err
	}
	var name string
	if err := tx.QueryRowContext(ctx, "SELECT merchant FROM conversations WHERE id = $1", string(c.Conversation)).Scan(&name); err != nil {
		return err
	}
	texts = append(texts, c.Ticket, name, c.Card.Symptom.Zh, c.Card.Symptom.En)
	for _, symptom := range c.Card.Later {
		texts = append(texts, symptom.Zh, symptom.En)
	}
	texts = append(texts, c.Card.Codes...)
	for _, fact := range c.Card.Facts {
		texts = append(texts, fact)
	}
	return index(ctx, tx, c.Number, texts...)
}

// indexChange lets a case be found by what a change adds to it.
func indexChange(ctx context.Context, tx querier, c desk.Case, change desk.Change) error {
	var texts []string
	var heard []any
	for _, e := range change.Events {
		switch e.Kind {
		case desk.EventNote, desk.EventTags, desk.EventRenamed, desk.EventResolved:
			texts = append(texts, e.Text)
		case desk.EventMessage:
			heard = append(heard, string(e.Message))
		}
	}
	for _, r := range change.Say {
		texts = append(texts, r.Text)
	}
	for some := range slices.Chunk(heard, 64) {
		said, err := collect(ctx, tx, scanOne[string], "SELECT text FROM messages WHERE id IN "+list(1, len(some)), some...)
		if err != nil {
			return err
		}
		texts = append(texts, said...)
	}
	return index(ctx, tx, c.Number, texts...)
}

// sought returns the words of a search, each once. A Chinese character is one
// where it stands alone; else the pairs say more.
func sought(query string) []string {
	const most = 12
	if utf8.RuneCountInString(query) > 200 {
		query = string([]rune(query)[:200])
	}
	words, _, alone := wordsOf(query)
	for _, c := range alone {
		if !slices.Contains(words, c) {
			words = append(words, c)
		}
	}
	return words[:min(len(words), most)]
}
