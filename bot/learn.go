package bot

import (
	"context"
	"errors"

	"tilldesk/bot/dialog"
	"tilldesk/intents"
	"tilldesk/kb"
)

// Knowledge is what the bot has learnt from its content. It is read-only and
// safe for concurrent use; new content makes a new one.
type Knowledge struct {
	Engine *intents.Engine
	Base   *kb.Base
	Index  *kb.Index
	Script *dialog.Script
}

// Learn builds the knowledge from checked content: it trains the engine and
// builds the search index. Close the knowledge to free the index.
func Learn(ctx context.Context, set *intents.Set, base *kb.Base, script *dialog.Script) (*Knowledge, error) {
	type built struct {
		engine *intents.Engine
		err    error
	}
	// Training takes most of the start; the index is built beside it.
	done := make(chan built, 1)
	go func() {
		engine, err := intents.NewEngine(ctx, set)
		done <- built{engine, err}
	}()
	index, err := kb.NewIndex(base, searchOptions(set.Lexicon))
	b := <-done
	if err = errors.Join(err, b.err); err != nil {
		if index != nil {
			err = errors.Join(err, index.Close())
		}
		return nil, err
	}
	return &Knowledge{b.engine, base, index, script}, nil
}

// Close frees the search index.
func (k *Knowledge) Close() error { return k.Index.Close() }

// searchOptions gives the search the words of the trade: those of wallets and
// brands are each other's synonyms.
func searchOptions(lex *intents.Lexicon) kb.Options {
	opt := kb.Options{Protected: lex.Protected, Synonyms: lex.Synonyms}
	for _, terms := range [][]intents.Term{lex.Wallets, lex.Brands} {
		for _, t := range terms {
			opt.Protected = append(opt.Protected, t.Name.Zh)
			opt.Synonyms = append(opt.Synonyms, t.Words)
		}
	}
	return opt
}
