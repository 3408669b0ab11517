package bot

import (
	"tilldesk/bot/dialog"
	"tilldesk/content/source"
	"tilldesk/intents/hanzi"
)

// A Reply is one message to a merchant, in the form of CONTRACT.md.
type Reply struct {
	Text    string           `json:"text"`
	Kind    dialog.ReplyKind `json:"kind"`
	Intent  *string          `json:"intent"`
	Step    *string          `json:"step"`
	Choices []Choice         `json:"choices"`
	Article *string          `json:"article"`
	Media   []Media          `json:"-"` // files that staff send with it; each channel shows them in its way
	// Corrects is set if an earlier message is to read otherwise. A channel whose
	// messages can be changed changes that one; others send Text, which says
	// that it is a correction.
	Corrects *Correction `json:"-"`
}

// A Correction is how an earlier message to a merchant is to read.
type Correction struct {
	Message MessageID `json:"message"`
	Text    string    `json:"text"`
}

// A Choice is something to press, in the merchant's language.
type Choice struct {
	ID    string `json:"id"`
	Label string `json:"label"`
}

// Status is where a conversation stands, in the form of CONTRACT.md.
type Status struct {
	Intent *string      `json:"intent"`
	Step   *string      `json:"step"`
	Phase  dialog.Phase `json:"phase"`
	Ticket *string      `json:"ticket"`
	Lang   source.Lang  `json:"lang"`
}

// Render gives the lines of an outcome the language and script of the merchant.
func Render(st dialog.State, lines []dialog.Line) []Reply {
	replies := make([]Reply, 0, len(lines))
	for _, line := range lines {
		r := Reply{
			Text: Localise(st, line.Text), Kind: line.Kind,
			Intent: optional(line.Intent), Step: optional(line.Step), Article: optional(line.Article),
			Choices: []Choice{},
		}
		for _, c := range line.Choices {
			r.Choices = append(r.Choices, Choice{c.ID, Localise(st, c.Label)})
		}
		replies = append(replies, r)
	}
	return replies
}

// Localise returns a text in the language and script of the merchant.
func Localise(st dialog.State, t source.Text) string {
	text := t.In(langOf(st))
	if st.Traditional && langOf(st) == source.Zh {
		return hanzi.Traditional(text)
	}
	return text
}

// langOf is the language that texts of the state are rendered in.
func langOf(st dialog.State) source.Lang {
	if st.Lang == source.En {
		return source.En
	}
	return source.Zh
}

// StatusOf returns where a conversation stands.
func StatusOf(st dialog.State) Status {
	s := Status{Phase: st.Phase, Ticket: optional(st.Ticket), Lang: langOf(st)}
	if s.Phase == "" {
		s.Phase = dialog.Idle
	}
	if st.Fix != nil {
		s.Intent, s.Step = optional(st.Fix.Intent), optional(st.Fix.Step)
	}
	return s
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
