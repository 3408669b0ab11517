package bot

import (
	"context"
	"errors"
	"sync/atomic"

	"tilldesk/bot/dialog"
	"tilldesk/content/source"
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

	lessons atomic.Pointer[dialog.Lessons]
}

// Teach lets what has happened so far shift the priors of the playbooks, from
// the next turn on, and returns what it has shifted.
func (k *Knowledge) Teach(counts []dialog.Count) []dialog.Shift {
	l := k.Script.Learn(counts)
	k.lessons.Store(l)
	return l.Shifts()
}

// script returns the script to go on with in a state.
func (k *Knowledge) script(st dialog.State) *dialog.Script {
	if l := k.lessons.Load(); l != nil {
		return l.For(st)
	}
	return k.Script
}

// Learn builds the knowledge from checked content: it trains the engine and
// builds the search index. Close the knowledge to free the index.
func Learn(ctx context.Context, set *intents.Set, base *kb.Base, script *dialog.Script) (*Knowledge, error) {
	return LearnWith(ctx, intents.NewEngine, set, base, script)
}

// A Teacher makes the engine of a set of intents: [intents.NewEngine], or one
// that keeps what was learnt before.
type Teacher func(context.Context, *intents.Set) (*intents.Engine, error)

// LearnWith is [Learn] with an engine that teach makes.
func LearnWith(ctx context.Context, teach Teacher, set *intents.Set, base *kb.Base, script *dialog.Script) (*Knowledge, error) {
	type built struct {
		engine *intents.Engine
		err    error
	}
	learnt := *set
	learnt.Asks = asks(base)
	// Training takes most of a start; the index is built beside it.
	done := make(chan built, 1)
	go func() {
		engine, err := teach(ctx, &learnt)
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
	return &Knowledge{Engine: b.engine, Base: base, Index: index, Script: script}, nil
}

// asks are all the ways to ask for the articles that editors wrote.
func asks(base *kb.Base) []intents.Ask {
	var all []intents.Ask
	for _, a := range base.Articles() {
		for _, lang := range source.Langs {
			all = append(all, intents.Ask{Text: a.Title.In(lang), Article: a.ID})
			for _, p := range a.Passages {
				for _, text := range append([]string{p.Heading.In(lang)}, p.Asks.In(lang)...) {
					all = append(all, intents.Ask{Text: text, Article: a.ID, Passage: p.ID})
				}
			}
		}
	}
	return all
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
