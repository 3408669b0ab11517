package bot

import (
	"tilldesk/intents"
	"tilldesk/kb"
)

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
