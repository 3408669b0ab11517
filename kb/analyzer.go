package kb

import (
	"fmt"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/blevesearch/bleve/v2/analysis"
	"github.com/blevesearch/bleve/v2/analysis/lang/en"
	"github.com/blevesearch/bleve/v2/analysis/token/lowercase"
	"github.com/blevesearch/bleve/v2/registry"
)

// Names under which bleve knows the analysis of Chinese and English.
const (
	zhTokenizer = "tilldesk_zh"
	enAnalyzer  = "tilldesk_en"
)

func init() {
	must(registry.RegisterTokenizer(zhTokenizer, func(config map[string]any, _ *registry.Cache) (analysis.Tokenizer, error) {
		words, ok := config["words"].([]string)
		if !ok {
			return nil, fmt.Errorf("tokenizer %s: words must be a list of strings", zhTokenizer)
		}
		return newTokenizer(words), nil
	}))
	must(registry.RegisterAnalyzer(enAnalyzer, func(_ map[string]any, cache *registry.Cache) (analysis.Analyzer, error) {
		stemmer, err := cache.TokenFilterNamed(en.SnowballStemmerName)
		if err != nil {
			return nil, fmt.Errorf("analyzer %s: %w", enAnalyzer, err)
		}
		filters := []analysis.TokenFilter{lowercase.NewLowerCaseFilter(), plainWords{}, stemmer}
		return &analysis.DefaultAnalyzer{Tokenizer: newTokenizer(nil), TokenFilters: filters}, nil
	}))
}

func must(err error) {
	if err != nil {
		panic(err) // a name registered twice: a mistake in this file
	}
}

// tokenizer splits text that fold has made one in width, case and script. A
// run of Han characters gives each character, each pair of neighbours, and
// each protected word whole, so that a word is found inside a sentence and a
// domain word counts for more than its parts. A run of Latin letters and
// digits is one token.
type tokenizer struct {
	words   map[string]bool
	longest int // runes
}

func newTokenizer(words []string) *tokenizer {
	t := &tokenizer{words: map[string]bool{}}
	for _, w := range words {
		w = fold(w)
		// Pairs are tokens anyway.
		if n := utf8.RuneCountInString(w); n > 2 {
			t.words[w] = true
			t.longest = max(t.longest, n)
		}
	}
	return t
}

func isHan(r rune) bool { return unicode.Is(unicode.Han, r) }

// Tokenize implements analysis.Tokenizer.
func (t *tokenizer) Tokenize(input []byte) analysis.TokenStream {
	var stream analysis.TokenStream
	position := 0
	emit := func(start, end int, typ analysis.TokenType) {
		stream = append(stream, &analysis.Token{Term: input[start:end], Start: start, End: end, Position: position, Type: typ})
	}
	for i := 0; i < len(input); {
		r, size := utf8.DecodeRune(input[i:])
		switch {
		case isHan(r):
			var starts []int
			j := i
			for j < len(input) {
				r, n := utf8.DecodeRune(input[j:])
				if !isHan(r) {
					break
				}
				starts = append(starts, j)
				j += n
			}
			starts = append(starts, j)
			for k := range len(starts) - 1 {
				position++
				emit(starts[k], starts[k+1], analysis.Ideographic)
				if k+2 < len(starts) {
					emit(starts[k], starts[k+2], analysis.Double)
				}
				for n := 3; n <= t.longest && k+n < len(starts); n++ {
					if t.words[string(input[starts[k]:starts[k+n]])] {
						emit(starts[k], starts[k+n], analysis.Ideographic)
					}
				}
			}
			i = j
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			j := i
			for j < len(input) {
				r, n := utf8.DecodeRune(input[j:])
				if isHan(r) || !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\'' && r != '_' {
					break
				}
				j += n
			}
			position++
			emit(i, j, analysis.AlphaNumeric)
			i = j
		default:
			i += size
		}
	}
	return stream
}

// terms returns the distinct terms of a text under an analyzer, at most limit
// of them, in the order in which they stand.
func terms(analyzer analysis.Analyzer, text string, limit int) []string {
	var distinct []string
	seen := map[string]bool{}
	for _, token := range analyzer.Analyze([]byte(fold(text))) {
		term := string(token.Term)
		if !seen[term] {
			seen[term] = true
			distinct = append(distinct, term)
		}
	}
	return slices.Clip(distinct[:min(limit, len(distinct))])
}
