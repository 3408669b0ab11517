package intents

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"

	"tilldesk/intents/english"
	"tilldesk/intents/hanzi"
	"tilldesk/intents/linear"
)

// program is the program text of this package: what is learnt from the same
// examples changes with it.
//
//go:embed *.go
var program embed.FS

// Digest says what an engine would learn from the set, without learning it: it
// covers the examples, the lexicon, and the program text that reads them and
// learns. Engines of sets with the same digest are the same.
func (s *Set) Digest() (string, error) {
	h := sha256.New()
	for _, text := range []fs.FS{program, linear.Source, english.Source, hanzi.Source} {
		if err := hashFiles(h, text); err != nil {
			return "", fmt.Errorf("digest of the intent engine: %w", err)
		}
	}
	for _, ex := range s.Examples {
		field(h, ex.Text, ex.Intent, string(ex.Lang))
	}
	for _, ex := range s.Acts {
		field(h, ex.Text, string(ex.Asked), string(ex.Act), string(ex.Lang))
	}
	for _, q := range s.Asks {
		field(h, q.Text, q.Article, q.Passage)
	}
	if err := json.NewEncoder(h).Encode([]any{s.Intents, s.Lexicon}); err != nil {
		return "", fmt.Errorf("digest of the intents: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func hashFiles(h hash.Hash, text fs.FS) error {
	return fs.WalkDir(text, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(text, name)
		if err == nil {
			field(h, name, string(data))
		}
		return err
	})
}

// field adds texts to the hash so that no two lists of them look the same.
func field(h hash.Hash, texts ...string) {
	for _, text := range texts {
		fmt.Fprintf(h, "%d ", len(text))
		_, _ = io.WriteString(h, text) // a hash does not fail
	}
}

// AppendBinary appends what the engine has learnt to b, for [Restore].
func (e *Engine) AppendBinary(b []byte) ([]byte, error) {
	b, err := e.intents.AppendBinary(b)
	for _, asked := range allAsked {
		if err == nil {
			b, err = e.acts[asked].AppendBinary(b)
		}
	}
	if err == nil && e.articles != nil {
		b, err = e.articles.AppendBinary(b)
	}
	if err == nil && e.passages != nil {
		b, err = e.passages.AppendBinary(b)
	}
	return b, err
}

// Restore returns the engine of a set from what AppendBinary wrote of an
// engine of a set with the same [Set.Digest]. It fails if the bytes are
// anything else; the caller then learns again.
func Restore(set *Set, b []byte) (*Engine, error) {
	e := newReader(set.Lexicon)
	var err error
	if e.intents, b, err = linear.Load(b); err != nil {
		return nil, fmt.Errorf("restoring the intents: %w", err)
	}
	for _, asked := range allAsked {
		if e.acts[asked], b, err = linear.Load(b); err != nil {
			return nil, fmt.Errorf("restoring the acts after a %s: %w", asked, err)
		}
	}
	if set.tellsArticles() {
		if e.articles, b, err = linear.Load(b); err != nil {
			return nil, fmt.Errorf("restoring the articles: %w", err)
		}
		if set.tellsPassages() {
			if e.passages, b, err = linear.Load(b); err != nil {
				return nil, fmt.Errorf("restoring the passages: %w", err)
			}
			e.passages.ShareFeatures(e.articles) // as when they were learnt
		}
	}
	if len(b) > 0 {
		return nil, errors.New("restoring the intent engine: something else follows what it learnt")
	}
	return e, nil
}
