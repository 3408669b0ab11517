package bot

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"

	"tilldesk/bot/dialog"
	"tilldesk/content/source"
	"tilldesk/intents"
	"tilldesk/kb"
)

// Message is what a merchant sent, whatever the channel.
type Message struct {
	Text   string
	Choice string // the id of a choice that was pressed, or ""
	Media  bool   // a picture, voice or file came with it
	// Secrets are kinds of numbers that were masked before the text got here.
	Secrets []string
}

// passages is how many passages are looked at for an answer.
const passages = 5

// Understand reads a message in the state of its conversation. It changes
// nothing; the same message in the same state is understood the same way. The
// knowledge base is searched only when the passages are asked for; failed
// returns the error of that search, if there was one.
func (k *Knowledge) Understand(ctx context.Context, st dialog.State, m Message) (in dialog.Input, failed func() error) {
	var err error
	failed = func() error { return err }
	match := k.Engine.Match(m.Text)
	match.Text = beginning(match.Text)
	secrets := match.Secrets
	for _, kind := range m.Secrets {
		secrets = append(secrets, intents.Secret{Kind: kind})
	}
	in = dialog.Input{
		Text: match.Text, Choice: m.Choice, Media: m.Media,
		Lang: match.Lang, Traditional: match.Traditional, LangKnown: match.LangKnown,
		Guesses: match.Guesses, Decision: match.Decision,
		Entities: match.Entities, Secrets: secrets,
		Again: intents.Again(match.Text),
		Angry: k.Engine.Angry(match.Text),
		Empty: !readable(match.Text, secrets),
	}
	if before := st.Before; before != nil {
		in.Known = map[string]source.Text{
			intents.Brand: k.Engine.Name(intents.Brand, before.Brand), intents.Wallet: k.Engine.Name(intents.Wallet, before.Wallet),
		}
	}
	in.Said = match.Normal
	if st.Phase == dialog.Clarifying {
		in.Said = k.Engine.Match(st.Unclear).Normal + "\n" + in.Said
	}
	in.Person, in.NoPerson = k.Engine.Person(match.Text)
	in.Help = k.Engine.Help(match.Text)
	if m.Choice != "" || st.Phase == dialog.WithHuman {
		return in, failed
	}
	asked, expectsText := k.Script.Asked(st)
	if st.Fix != nil && !in.Empty {
		rest, more := k.addition(st.Fix.Intent, asked, match)
		if in.More = more; rest == "" {
			in.Text, in.Act, in.ActScore = "", intents.ActTopic, 1
			return in, failed
		}
		if len(more) > 0 {
			match = k.Engine.Match(rest)
			in.Text, in.Said, in.Guesses, in.Decision = rest, match.Normal, match.Guesses, match.Decision
			in.Again = intents.Again(rest)
		}
		if other, ok := k.corrects(st.Fix.Intent, asked, rest); ok {
			in.Instead, in.Guesses, in.Decision = true, other.Guesses, other.Decision
		}
	}
	in.Act, in.ActScore = k.Engine.Act(match.Text, asked)
	if in.Empty {
		// A thumb up is an answer where something was asked.
		in.Empty = st.Fix == nil || in.ActScore < intents.SureAct
		return in, failed
	}
	if in.Also = k.also(match); in.Decision == intents.Clarify && told(in.Also, in.Guesses) {
		in.Decision = intents.Answer // the whole is divided between what its parts say surely
	}
	in.Codes = k.Base.Codes().Find(match.Text, expectsText || st.Fix != nil && len(match.Text) <= 3)
	if st.Phase == dialog.Clarifying && (match.Decision != intents.Answer || fragment(match.Text)) {
		// What was unclear and what is added to it may be clear together.
		whole := k.Engine.Match(st.Unclear + "\n" + m.Text)
		in.Guesses, in.Decision = whole.Guesses, whole.Decision
	}
	if st.Fix == nil && st.Answered != "" && (match.Decision != intents.Answer || match.Guesses[0].Score < followed) && followUp.MatchString(strings.TrimSpace(m.Text)) {
		match.Guesses = append([]intents.Guess{{Intent: st.Answered, Score: followed}}, match.Guesses...)
		in.Guesses, in.Decision = match.Guesses, intents.Answer
	}
	lang := st.Lang
	if match.LangKnown || lang == "" {
		lang = match.Lang
	}
	in.Passages = sync.OnceValue(func() (hits []kb.Hit) {
		hits, err = k.search(ctx, lang, match, passages)
		return hits
	})
	return in, failed
}

// beginning is what is understood of a text: what comes after it the engine does
// not read either, and a stranger could make the rest take long.
func beginning(text string) string {
	if len(text) <= intents.MaxRunes {
		return text
	}
	n := 0
	for at := range text {
		if n++; n > intents.MaxRunes {
			return text[:at]
		}
	}
	return text
}

// Search answers a free question from the knowledge base, with the n passages
// that answer best, best first.
func (k *Knowledge) Search(ctx context.Context, lang source.Lang, text string, n int) ([]kb.Hit, error) {
	return k.search(ctx, lang, k.Engine.Match(text), n)
}

func (k *Knowledge) search(ctx context.Context, lang source.Lang, m intents.Match, n int) ([]kb.Hit, error) {
	prior := make(map[string]float64, len(m.Guesses))
	for _, g := range m.Guesses {
		prior[g.Intent] = g.Score
	}
	return k.Index.Search(ctx, kb.Query{
		Lang: lang, Text: m.Normal, Prior: prior, Articles: k.Engine.Articles(m.Normal), Passages: k.Engine.Passages(m.Normal),
	}, n)
}

// followUp is a question that goes on with the one just answered: 「那拉卡拉的呢」,
// "and for Alipay?".
var followUp = regexp.MustCompile(`(?i)^(?:那|那么|要是)?.{1,12}呢\s*[?？]?$|^(?:and|what about|how about|and what about)\b.{1,40}[?？]?$`)

// followed is the probability that such a question is about the same.
const followed = 0.87

// fragment reports whether a text is a word or two, which say something only
// together with what was said before.
func fragment(text string) bool {
	return len(strings.Fields(text)) <= 2 && len([]rune(text)) <= 4
}

// readable reports whether there is anything to understand: a letter, or a
// digit of a number that was not hidden.
func readable(text string, secrets []intents.Secret) bool {
	if strings.ContainsFunc(text, unicode.IsLetter) {
		return true
	}
	hidden := slices.ContainsFunc(secrets, func(s intents.Secret) bool { return s.Kind != intents.MerchantNo })
	return !hidden && strings.ContainsFunc(text, unicode.IsNumber)
}

// Turn takes one message through understanding and the step function.
func (k *Knowledge) Turn(ctx context.Context, st dialog.State, m Message) (dialog.Outcome, error) {
	in, failed := k.Understand(ctx, st, m)
	out := k.script(st).Step(st, in)
	if err := failed(); err != nil {
		return dialog.Outcome{}, err
	}
	return out, nil
}

// told reports whether the two likeliest intents are both among the troubles that
// parts of a message are about.
func told(troubles []string, guesses []intents.Guess) bool {
	return len(troubles) > 1 && len(guesses) > 1 &&
		slices.Contains(troubles, guesses[0].Intent) && slices.Contains(troubles, guesses[1].Intent)
}
