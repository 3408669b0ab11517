package intents

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"tilldesk/content/source"
	"tilldesk/intents/linear"
)

// Decision is what the bot may do with what it understood.
type Decision string

// The decisions.
const (
	Answer  Decision = "answer"  // sure enough to act on the likeliest intent
	Clarify Decision = "clarify" // offer the likeliest intents as a choice
	Reject  Decision = "reject"  // out of scope, or far from everything known
)

// Thresholds of a decision on the calibrated probability of the likeliest
// intent. They were chosen by cross-validation over the example messages so
// that of the messages acted on 97 of 100 are right; see ARCHITECTURE.md.
const (
	answerFrom = 0.66
	rejectFrom = 0.65 // probability of being out of scope from which it is
	strange    = 0.75 // probability of being like anything known below which it is turned away
)

// outside is the share of messages that are like nothing in the examples. Most
// of what is out of scope is not: there are examples of that, too.
const outside = 0.05

// guesses is how many intents a match names.
const guesses = 5

// A Guess is an intent and the probability that it is meant.
type Guess struct {
	Intent string  `json:"intent"`
	Score  float64 `json:"score"`
}

// A Match is what a message means, as far as the engine can tell.
type Match struct {
	Text        string // masked
	Lang        source.Lang
	Traditional bool
	LangKnown   bool
	Decision    Decision
	Guesses     []Guess // likeliest first; never empty
	Entities    []Entity
	Secrets     []Secret
	Normal      string // the normalised text
}

// An Engine understands messages. It is built from a Set, read-only after
// that, and safe for concurrent use.
type Engine struct {
	intents  *linear.Model
	acts     map[Asked]*linear.Model
	articles *linear.Model // nil if there are no questions, or too many articles
	passages *linear.Model // by article/passage; nil as articles is, or if no question names one
	words    *phrases[named]
	names    map[named]source.Text
	same     *phrases[string]
	anger    *phrases[bool]
	person   *phrases[bool]
	help     *phrases[bool]
}

// NewEngine learns from the examples of the set. It fails if there are none,
// and with the context's cause when ctx ends first.
func NewEngine(ctx context.Context, set *Set) (*Engine, error) {
	e := newReader(set.Lexicon)
	// Each training has stretches that only one core can do: they go on beside
	// one another.
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error { return e.learnIntents(ctx, set) })
	all.Go(func() error { return e.learnActs(ctx, set) })
	all.Go(func() error { return e.learnArticles(ctx, set) })
	return e, all.Wait()
}

func (e *Engine) learnIntents(ctx context.Context, set *Set) (err error) {
	examples := make([]linear.Example, 0, len(set.Examples))
	for _, ex := range set.Examples {
		examples = append(examples, linear.Example{Text: e.read(ex.Text), Label: ex.Intent})
	}
	names := map[string][]string{}
	for _, in := range set.Intents {
		names[in.ID] = []string{e.read(in.Name.Zh), e.read(in.Name.En)}
	}
	if e.intents, err = linear.Train(ctx, examples, linear.Options{Names: names, Outside: outside}); err != nil {
		return fmt.Errorf("learning the intents from %d examples: %w", len(examples), err)
	}
	return nil
}

// learnActs learns what answers say, apart for each kind of question.
func (e *Engine) learnActs(ctx context.Context, set *Set) error {
	topics := e.topics(set)
	read := make([]string, len(set.Acts))
	for i, ex := range set.Acts {
		read[i] = e.read(ex.Text)
	}
	for _, asked := range allAsked {
		var acts []linear.Example
		for i, ex := range set.Acts {
			if ex.Asked == "" || ex.Asked == asked {
				acts = append(acts, linear.Example{Text: read[i], Label: string(meant(ex.Act, asked))})
			}
		}
		acts = append(acts, topics...)
		model, err := linear.Train(ctx, acts, linear.Options{})
		if err != nil {
			return fmt.Errorf("learning the acts after a %s from %d examples: %w", asked, len(acts), err)
		}
		e.acts[asked] = model
	}
	return nil
}

// mostArticles is up to how many articles it is learnt which one a question asks
// for. Each takes a machine that is trained on the questions of all: ten
// thousand take a minute and most of the memory. The search goes by the words
// alone then.
const mostArticles = 2000

// tellsArticles reports whether there are questions to learn from, and not too
// many articles.
func (s *Set) tellsArticles() bool {
	articles := map[string]bool{}
	for _, q := range s.Asks {
		articles[q.Article] = true
	}
	return len(articles) > 0 && len(articles) <= mostArticles
}

// learnArticles learns which article a question asks for, and which of its
// passages. It only has to put the right ones first: whether a passage answers is
// for the search to say.
func (e *Engine) learnArticles(ctx context.Context, set *Set) (err error) {
	if !set.tellsArticles() {
		return nil
	}
	tellsPassages := set.tellsPassages()
	questions, passages := make([]linear.Example, len(set.Asks)), make([]string, len(set.Asks))
	for i, q := range set.Asks {
		questions[i] = linear.Example{Text: e.read(q.Text), Label: q.Article}
		if q.Passage != "" && tellsPassages {
			passages[i] = q.Article + "/" + q.Passage
		}
	}
	if e.articles, e.passages, err = linear.TrainParts(ctx, questions, passages, linear.Options{Ranking: true}); err != nil {
		return fmt.Errorf("learning the articles from %d questions: %w", len(questions), err)
	}
	return nil
}

// mostPassages is up to how many passages it is learnt how their questions
// look: each question is compared with all of them.
const mostPassages = 20_000

// tellsPassages reports whether there are questions that name passages, and not
// too many passages or articles.
func (s *Set) tellsPassages() bool {
	passages := map[Ask]bool{}
	for _, q := range s.Asks {
		if q.Passage != "" {
			passages[Ask{Article: q.Article, Passage: q.Passage}] = true
		}
	}
	return s.tellsArticles() && len(passages) > 0 && len(passages) <= mostPassages
}

// articles and passages are how many of them a question is put down to.
const (
	articles = 16
	passages = 16
)

// Articles returns the articles that a normalised text most probably asks for,
// each with a number between 0 and 1 that is higher when it is likelier.
func (e *Engine) Articles(normal string) map[string]float64 {
	var buf [articles]linear.Guess
	return likeliest(e.articles, normal, buf[:0])
}

// Passages returns the passages, as article/passage, whose ways to ask a
// normalised text resembles most, with numbers as those of Articles.
func (e *Engine) Passages(normal string) map[string]float64 {
	var buf [passages]linear.Guess
	return likeliest(e.passages, normal, buf[:0])
}

// likeliest returns as many labels as top has room for, or nil if there is no
// model.
func likeliest(m *linear.Model, normal string, top []linear.Guess) map[string]float64 {
	if m == nil {
		return nil
	}
	top, _ = m.Classify(normal, top)
	likely := make(map[string]float64, len(top))
	for _, g := range top {
		likely[g.Label] = g.Score
	}
	return likely
}

// newReader returns an engine that can read but has learnt nothing yet.
func newReader(lex *Lexicon) *Engine {
	return &Engine{
		words:  gazetteer(lex),
		names:  namesOf(lex),
		same:   newPhrases(lex.Same),
		anger:  newPhrases(setOf(lex.Anger)),
		person: newPhrases(setOf(lex.Person)),
		help:   newPhrases(lex.Help),
		acts:   map[Asked]*linear.Model{},
	}
}

func setOf(words []string) map[string]bool {
	set := make(map[string]bool, len(words))
	for _, w := range words {
		set[w] = true
	}
	return set
}

// meant is what an act says after what was asked: "no" to "does it work now?"
// says that it does not.
func meant(act Act, asked Asked) Act {
	if asked == AskedResult && act == ActNo {
		return ActNotFixed
	}
	return act
}

// everyTopic is the share of the symptom messages that serve as examples of a
// new topic inside a fix: one in so many, lest they drown the answers.
const everyTopic = 60

func (e *Engine) topics(set *Set) []linear.Example {
	var topics []linear.Example
	for _, ex := range set.Examples {
		if in, _ := set.Intent(ex.Intent); in.Kind != Symptom && in.Kind != Question {
			continue
		}
		// By the words themselves, so that an example more elsewhere changes nothing.
		h := fnv.New32a()
		h.Write([]byte(Key(ex.Text)))
		if h.Sum32()%everyTopic == 0 {
			topics = append(topics, linear.Example{Text: e.read(ex.Text), Label: string(ActTopic)})
		}
	}
	return topics
}

// read normalises a text and writes its words in the usual way.
func (e *Engine) read(text string) string { return rewrite(e.same, Normalise(text)) }

// Match reads a message: it hides the numbers that must not be stored, then
// finds language, entities and intent. Any bytes are accepted.
func (e *Engine) Match(text string) Match {
	masked, secrets := Mask(text)
	normal := e.read(masked)
	m := Match{Text: strings.ToValidUTF8(masked, "\uFFFD"), Normal: normal, Secrets: secrets}
	m.Lang, m.Traditional, m.LangKnown = Language(masked)
	if m.Lang == source.En && pinyin(normal) {
		m.Lang = source.Zh
	}
	m.Entities = append(terms(e.words, normal), numbers(normal)...)
	for _, s := range secrets {
		m.Entities = append(m.Entities, Entity{s.Kind, s.Masked, s.Masked})
	}
	var buf [guesses]linear.Guess
	top, known := e.intents.Classify(normal, buf[:0])
	var second [guesses]linear.Guess
	if rest, sure, ok := e.uncharged(normal, top, second[:]); ok {
		top, known = rest, sure
	}
	for _, g := range top {
		m.Guesses = append(m.Guesses, Guess{g.Label, g.Score})
	}
	if len(m.Guesses) == 0 {
		m.Guesses = []Guess{{OutOfScope, 0}}
	}
	m.Decision = decide(m.Guesses, known)
	return m
}

func decide(top []Guess, known float64) Decision {
	switch best := top[0]; {
	case best.Intent == OutOfScope && best.Score >= rejectFrom, known < strange:
		return Reject
	case best.Intent != OutOfScope && best.Score >= answerFrom:
		return Answer
	}
	return Clarify
}

// Act reads an answer to what the bot asked and returns the likeliest act with
// its probability.
func (e *Engine) Act(text string, asked Asked) (Act, float64) {
	var buf [1]linear.Guess
	normal := e.read(text)
	top, _ := e.acts[asked.base()].Classify(normal, buf[:0])
	if len(top) == 0 {
		return "", 0
	}
	act, score := Act(top[0].Label), top[0].Score
	return reread(act, score, normal, asked)
}

// Angry reports whether the message has words of anger in it.
func (e *Engine) Angry(text string) bool { return e.anger.in(Normalise(text)) }

// Person reports whether the message asks for a person in words that mean
// nothing else, whatever else it says; or whether it does so to say that no
// person is wanted.
func (e *Engine) Person(text string) (asked, declined bool) {
	text = Normalise(text)
	for i := range text {
		if _, n := e.person.at(text, i); n == 0 {
			continue
		}
		if !refused(text[:i]) {
			return true, false
		}
		declined = true
	}
	return false, declined
}

// Help reports whether the message asks for help, or what there is to ask for,
// and says nothing else.
func (e *Engine) Help(text string) bool {
	text = Normalise(text)
	asked := false
	for i := 0; i < len(text); {
		if r, size := utf8.DecodeRuneInString(text[i:]); !unicode.IsLetter(r) && !unicode.IsNumber(r) {
			i += size
			continue
		}
		asks, n := e.help.at(text, i)
		if n == 0 {
			return false
		}
		asked = asked || asks
		i += n
	}
	return asked
}

// refused reports whether what is said before a request takes it back.
func refused(before string) bool {
	const near = 24 // bytes: eight Han characters, or four short words
	if len(before) > near {
		before = strings.ToValidUTF8(before[len(before)-near:], "")
	}
	if i := strings.LastIndexAny(before, ",.!?;:\n"); i >= 0 {
		before = before[i:]
	}
	return slices.ContainsFunc(refusals, func(w string) bool { return strings.Contains(before, w) })
}

var refusals = []string{"不", "别", "甭", "没说要", "唔使", "唔好", "冇话", "无需", "not ", "n't ", "dont ", "no need", "never ", "without ", "rather than "}

// Again reports whether a message asks to hear the last words again rather
// than to go back a step.
func Again(text string) bool {
	text = Normalise(text)
	return slices.ContainsFunc(againWords, func(w string) bool { return strings.Contains(text, w) })
}

var againWords = []string{"再说", "问啥", "问的什么", "问什么来", "问的啥", "重复", "再讲", "再发", "没听清", "没看清", "什么?", "说啥", "again", "repeat", "pardon", "once more", "didn't catch", "say what", "did you say", "did you ask", "was the question", "what was that"}
