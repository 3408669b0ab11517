package kb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/analysis"
	"github.com/blevesearch/bleve/v2/analysis/analyzer/custom"
	"github.com/blevesearch/bleve/v2/index/scorch"
	"github.com/blevesearch/bleve/v2/mapping"
	"github.com/blevesearch/bleve/v2/search/query"

	"tilldesk/content/source"
)

// Options are the words that a search knows of the trade.
type Options struct {
	Protected []string   // searched whole
	Synonyms  [][]string // each word of a group finds the others
}

// Index searches the passages of a base. It lives in memory, is rebuilt from
// content, and is safe for concurrent use until closed.
type Index struct {
	bleve    bleve.Index
	passages []found // by document number
	articles map[string]span
	likeness map[source.Lang]*likeness
	analyze  map[source.Lang]analysis.Analyzer
	synonyms synonyms
}

// A span is the document numbers of an article: from first to before end.
type span struct{ first, end int }

// A found is where a passage stands.
type found struct {
	article *Article
	passage int32 // its number there
}

func (f found) hit(score float64) Hit {
	a, p := f.article, &f.article.Passages[f.passage]
	return Hit{Article: a.ID, Passage: p.ID, Intents: a.Intents, Title: a.Title, Heading: p.Heading, Text: p.Text, Score: score}
}

// A Hit is a passage that a search found.
type Hit struct {
	Article string
	Passage string
	Intents []string
	Title   source.Text
	Heading source.Text
	Text    source.Text
	// Score is between 0 and 1 and means the same in every search: how much of
	// the question the passage speaks of, weighted by how telling its words are.
	Score float64
}

// ID names a passage: article/passage.
func (h Hit) ID() string { return h.Article + "/" + h.Passage }

// Bounds on a query, so that a long message costs no more than a long sentence.
const (
	maxQueryRunes = 200
	maxQueryTerms = 64
)

// candidates is how many passages are ranked closely.
const candidates = 64

// NewIndex builds the index of a base.
func NewIndex(base *Base, opt Options) (*Index, error) {
	m, err := indexMapping(opt.Protected)
	if err != nil {
		return nil, fmt.Errorf("preparing the search index: %w", err)
	}
	// A name of "" keeps a scorch index in memory; bleve.NewMemOnly would take
	// the old index type, slower by ten and without BM25.
	idx, err := bleve.NewUsing("", m, scorch.Name, scorch.Name, nil)
	if err != nil {
		return nil, fmt.Errorf("creating the search index: %w", err)
	}
	x := &Index{
		bleve:    idx,
		articles: map[string]span{},
		likeness: map[source.Lang]*likeness{},
		analyze: map[source.Lang]analysis.Analyzer{
			source.Zh: m.AnalyzerNamed(zhTokenizer),
			source.En: m.AnalyzerNamed(enAnalyzer),
		},
	}
	for _, a := range base.Articles() {
		x.articles[a.ID] = span{len(x.passages), len(x.passages) + len(a.Passages)}
		for i := range a.Passages {
			x.passages = append(x.passages, found{a, int32(i)})
		}
	}
	if err := x.fill(base); err != nil {
		return nil, fmt.Errorf("filling the search index: %w", errors.Join(err, idx.Close()))
	}
	for _, lang := range source.Langs {
		x.likeness[lang] = newLikeness(lang, x.analyze[lang], base)
	}
	x.synonyms = newSynonyms(opt.Synonyms, x.analyze)
	return x, nil
}

// Close frees the index.
func (x *Index) Close() error { return x.bleve.Close() }

func indexMapping(protected []string) (*mapping.IndexMappingImpl, error) {
	m := bleve.NewIndexMapping()
	m.ScoringModel = "bm25"
	if err := m.AddCustomTokenizer(zhTokenizer, map[string]any{"type": zhTokenizer, "words": protected}); err != nil {
		return nil, err
	}
	if err := m.AddCustomAnalyzer(zhTokenizer, map[string]any{"type": custom.Name, "tokenizer": zhTokenizer}); err != nil {
		return nil, err
	}
	doc := bleve.NewDocumentStaticMapping()
	for lang, analyzer := range map[source.Lang]string{source.Zh: zhTokenizer, source.En: enAnalyzer} {
		f := bleve.NewTextFieldMapping()
		f.Analyzer = analyzer
		f.Store, f.IncludeInAll, f.DocValues, f.IncludeTermVectors = false, false, false, false
		doc.AddFieldMappingsAt(string(lang), f)
	}
	m.DefaultMapping = doc
	return m, nil
}

func (x *Index) fill(base *Base) error {
	batch := x.bleve.NewBatch()
	n := 0
	for _, a := range base.Articles() {
		for _, p := range a.Passages {
			doc := map[string]any{}
			for _, lang := range source.Langs {
				said := append([]string{a.Title.In(lang), p.Heading.In(lang), p.Text.In(lang)}, p.Asks.In(lang)...)
				doc[string(lang)] = fold(strings.Join(said, "\n"))
			}
			if err := batch.Index(strconv.Itoa(n), doc); err != nil {
				return err
			}
			n++
		}
	}
	return x.bleve.Batch(batch)
}

// A Query is a question put to the knowledge base.
type Query struct {
	Lang source.Lang
	Text string
	// Prior is how likely each intent is to be meant, between 0 and 1, as far
	// as somebody knows; articles of a likely intent are preferred.
	Prior map[string]float64
	// Articles is how likely articles are to be asked for, in the same way, and
	// Passages how likely passages are, by [Hit.ID]: the likeliest of them.
	Articles, Passages map[string]float64
}

// Search returns the n passages that answer the query best, best first. The
// text is taken as words, never as a query language; of a long one only the
// beginning is searched. An empty result is no error.
func (x *Index) Search(ctx context.Context, q Query, n int) ([]Hit, error) {
	text, lang := q.Text, q.Lang
	if runes := []rune(text); len(runes) > maxQueryRunes {
		text = string(runes[:maxQueryRunes])
	}
	if lang != source.En {
		lang = source.Zh
	}
	asked := terms(x.analyze[lang], text, maxQueryTerms)
	if len(asked) == 0 || n <= 0 {
		return nil, nil
	}
	like := x.likeness[lang]
	question := like.question(asked, idleWords(lang, text), x.synonyms.of(lang, text, asked))
	defer like.done(question)
	req := bleve.NewSearchRequestOptions(x.query(lang, question), max(candidates, n), 0, false)
	res, err := x.bleve.SearchInContext(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("searching the knowledge base: %w", err)
	}
	found := make([]int, 0, len(res.Hits))
	for _, match := range res.Hits {
		i, err := strconv.Atoi(match.ID)
		if err != nil || i >= len(x.passages) {
			return nil, fmt.Errorf("searching the knowledge base: the index knows a passage %q that was never put in", match.ID)
		}
		found = append(found, i)
	}
	resembled, others := x.resembled(q.Passages)
	found = x.likely(found, q.Articles, resembled)
	order := make([]ranked, len(found))
	for k, i := range found {
		words, odds := like.compare(i, question)
		a := x.passages[i].article
		rank := q.rank(a, words, odds)
		if len(resembled) > 0 {
			likely, named := resembled[i]
			if !named {
				likely = others
			}
			rank += rankPassage * math.Log(max(unlikely, likely))
		}
		order[k] = ranked{i, rank, q.score(a, words)}
	}
	// Stable: ties keep the order of BM25.
	slices.SortStableFunc(order, func(a, b ranked) int { return cmp.Compare(b.rank, a.rank) })
	hits := make([]Hit, min(n, len(order)))
	for k := range hits {
		hits[k] = x.passages[order[k].number].hit(order[k].score)
	}
	return hits, nil
}

// A ranked is a passage by its number and how far forward it belongs.
type ranked struct {
	number      int
	rank, score float64
}

// What counts for the order of passages. Chosen by holding back the ways to
// ask of the articles themselves, a part at a time, and by plainer questions of
// our own: with these the right article comes first most often in both. Fitted
// by the likelihood of the right passage they come out much the same, and
// nearby values do as well.
const (
	rankWords   = 4.7
	rankAsking  = 2.7
	rankTelling = 1.5
	rankPrior   = 2.0
	rankArticle = 0.4
	rankPassage = 2.0
	// unlikely is how likely an article is taken to be that nobody named.
	unlikely = 1e-3
)

// rank is how far forward a passage belongs: the logarithm of how much likelier
// it is than others, given how alike the words are, what is usual in it, and
// what is known besides.
func (q Query) rank(a *Article, words float64, odds [views]float64) float64 {
	rank := rankWords*words + rankAsking*odds[asking] + rankTelling*odds[telling]
	if q.Prior != nil {
		rank += rankPrior * q.prior(a.Intents)
	}
	if q.Articles != nil {
		rank += rankArticle * math.Log(max(unlikely, q.Articles[a.ID]))
	}
	return rank
}

// likely adds to the passages found by their words those that the question
// resembles and those of the likely articles, which may be asked for in words
// that they do not have.
func (x *Index) likely(found []int, articles map[string]float64, resembled map[int]float64) []int {
	in := make(map[int]bool, len(found))
	for _, i := range found {
		in[i] = true
	}
	add := func(i int) {
		if !in[i] {
			in[i] = true
			found = append(found, i)
		}
	}
	for _, i := range slices.Sorted(maps.Keys(resembled)) {
		add(i)
	}
	for _, id := range slices.Sorted(maps.Keys(articles)) {
		span := x.articles[id]
		for i := span.first; i < span.end; i++ {
			add(i)
		}
	}
	return found
}

// resembled returns the passages of a query by their numbers, and how likely any
// other is at most.
func (x *Index) resembled(passages map[string]float64) (likely map[int]float64, others float64) {
	likely, others = make(map[int]float64, len(passages)), 1
	for id, p := range passages {
		article, passage, _ := strings.Cut(id, "/")
		others = min(others, p)
		span := x.articles[article]
		for i := span.first; i < span.end; i++ {
			if f := x.passages[i]; f.article.Passages[f.passage].ID == passage {
				likely[i] = p
			}
		}
	}
	return likely, others
}

// What counts in the score of a passage: its words beside those of the
// question, the likely intent, and the article that the question as a whole
// resembles.
const (
	wordsShare   = 0.5
	priorShare   = 0.2
	articleShare = 0.3
)

// score is that of a passage whose words count for words. What nobody knows of the
// query does not count.
func (q Query) score(a *Article, words float64) float64 {
	score, shares := wordsShare*words, wordsShare
	if q.Prior != nil {
		score, shares = score+priorShare*q.prior(a.Intents), shares+priorShare
	}
	if q.Articles != nil {
		score, shares = score+articleShare*q.Articles[a.ID], shares+articleShare
	}
	return score / shares
}

// prior is how likely it is that one of the intents is meant.
func (q Query) prior(intents []string) float64 {
	best := 0.0
	for _, id := range intents {
		best = max(best, q.Prior[id])
	}
	return best
}

// maxVisits is how many times a passage may be looked at in the index to find
// the candidates of a query. It bounds the time of a search in a large base; in
// the built-in one twice as many find as much and take a quarter longer.
const maxVisits = 512

// query asks for the passages that have the most telling of the question's
// terms: as many terms, rarest first, as can be looked up in maxVisits. The
// others stand in most passages and count only for the order.
func (x *Index) query(lang source.Lang, question *question) query.Query {
	like := x.likeness[lang]
	rarest := slices.Clone(question.terms)
	slices.SortStableFunc(rarest, func(a, b weighed) int { return cmp.Compare(like.counts[a.number], like.counts[b.number]) })
	either := bleve.NewDisjunctionQuery()
	visits := 0
	for _, t := range rarest {
		if t.plain == 0 {
			continue
		}
		if visits += int(like.counts[t.number]); visits > maxVisits && len(either.Disjuncts) > 0 {
			break
		}
		q := bleve.NewTermQuery(t.term)
		q.SetField(string(lang))
		q.SetBoost(t.plain)
		either.AddQuery(q)
	}
	return either
}

// single reports whether a term is one Han character.
func single(term string) bool {
	r, size := utf8.DecodeRuneInString(term)
	return isHan(r) && size == len(term)
}

// termWeight lets a single Han character count for little: it is in many words.
func termWeight(term string) float64 {
	r, _ := utf8.DecodeRuneInString(term)
	switch {
	case !isHan(r):
		return 1
	case single(term):
		return 0.25
	}
	return 1 + 0.25*float64(utf8.RuneCountInString(term)-2)
}
