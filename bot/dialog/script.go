package dialog

import (
	"maps"
	"slices"
	"strings"

	"tilldesk/content/source"
	"tilldesk/intents"
)

// Script is all that the bot can lead through and say. It is read-only once
// loaded and safe for concurrent use.
type Script struct {
	playbooks map[string]*Playbook
	answers   map[string]*Answer
	replies   map[string]source.Text
	lines     map[string]*source.Document
	tellable  []*Step // the steps that may be answered unasked, each once
	cues      *cues   // of the words that answer them
	ways      []waysOf

	// Label gives the words with which an intent is offered as a choice.
	// Set it before use; the id itself is the default.
	Label func(intent string) source.Text
	// ArticleTitle gives the title of an article, empty if there is none.
	ArticleTitle func(id string) source.Text
}

// waysOf is a list of ways to say something, and where it stands.
type waysOf struct {
	doc  *source.Document
	at   []any
	ways []string
}

// Playbook returns the playbook of a symptom, or nil.
func (s *Script) Playbook(intent string) *Playbook { return s.playbooks[intent] }

// Answer returns the direct answer to an intent, or nil.
func (s *Script) Answer(intent string) *Answer { return s.answers[intent] }

// Symptoms returns the intents that have a playbook, sorted.
func (s *Script) Symptoms() []string { return slices.Sorted(maps.Keys(s.playbooks)) }

// Answered returns the intents that have a direct answer, sorted.
func (s *Script) Answered() []string { return slices.Sorted(maps.Keys(s.answers)) }

// Document returns the file that a playbook or an answer was read from.
func (s *Script) Document(intent string) *source.Document {
	if doc := s.lines["playbook "+intent]; doc != nil {
		return doc
	}
	return s.lines["answer "+intent]
}

// replyKeys are the sentences that the dialog says. Each must stand in
// content/replies; a key there that is not here is never said.
var replyKeys = []string{
	"greeting", "greeting.again", "thanks", "goodbye", "capabilities", "outside",
	"clarify", "clarify.again", "clarify.plain", "clarify.person", "clarify.meanwhile", "clarify.money", "reopened", "rephrase", "empty", "media",
	"money.note", "fix.ask", "fix.ask_done", "fix.how_more", "fix.ask_again", "fix.done_or_not", "fix.skip", "fix.did", "fix.yes_no", "fix.other_words",
	"fix.confirm", "fix.ok_is_yes", "fix.money", "fix.back_none", "fix.back", "fix.same", "refer.ask", "refer.done",
	"fixed", "fixed.next_time", "resume", "resume.offer", "mentioned.later", "mentioned.offer", "restart",
	"topic.ask", "drop.sure", "drop.money", "remark.wait", "remark.vent", "remark.bot", "remark.vague", "remark.why_check", "remark.why_fix", "remark.long", "remark.long_refer",
	"remark.elsewhere", "remark.login", "remark.kept", "remark.leaving", "remark.gone", "remark.safe", "remark.price", "remark.arrived", "remark.long_money",
	"text.noted", "text.photo", "secret", "told", "before", "before.brand", "choice.gone", "language",
	"handoff.asked", "handoff.money", "handoff.restricted", "handoff.steps_used", "handoff.not_understood",
	"handoff.anger", "handoff.given", "handoff.login", "handoff.cashout", "handoff.fraud", "handoff.outage", "handoff.device", "handoff.fault",
	"code.check_first", "code.fresh", "code.wait", "code.other", "code.no", "code.not_you",
	"choice.yes", "choice.no", "choice.fixed", "choice.not_fixed", "choice.unsure", "choice.skip", "choice.human",
	"desk.solved", "desk.rate", "desk.rated", "desk.reopened", "desk.released", "desk.elsewhere",
	"desk.next", "desk.next.wait", "desk.next.closed",
	"choice.solved_yes", "choice.solved_no", "choice.rate1", "choice.rate2", "choice.rate3", "choice.rate4", "choice.rate5",
	"choice.none", "choice.charged", "choice.no_text", "choice.enough", "choice.resume", "choice.leave",
	"choice.others", "choice.begin",
}

// text returns a reply with its placeholders filled: {name} by the value that
// follows the name in args.
func (s *Script) text(key string, args ...any) source.Text {
	t := s.replies[key]
	for i := 0; i+1 < len(args); i += 2 {
		name := "{" + args[i].(string) + "}"
		switch v := args[i+1].(type) {
		case string:
			t.Zh, t.En = strings.ReplaceAll(t.Zh, name, v), strings.ReplaceAll(t.En, name, v)
		case source.Text:
			t.Zh, t.En = strings.ReplaceAll(t.Zh, name, v.Zh), strings.ReplaceAll(t.En, name, v.En)
		}
	}
	return t
}

// Text returns a reply by its key, with its placeholders filled: {name} by the
// text or string that follows the name in args.
func (s *Script) Text(key string, args ...any) source.Text { return s.text(key, args...) }

func (s *Script) label(intent string) source.Text {
	if s.Label != nil {
		return s.Label(intent)
	}
	return source.Text{Zh: intent, En: intent}
}

func (s *Script) articleTitle(id string) source.Text {
	if s.ArticleTitle != nil {
		return s.ArticleTitle(id)
	}
	return source.Text{}
}

func (s *Script) choice(id string) Choice {
	key, _, _ := strings.Cut(id, ":")
	return Choice{id, s.text("choice." + key)}
}

func (s *Script) intentChoice(intent string) Choice {
	return Choice{"intent:" + intent, s.label(intent)}
}

// join sets one text after another with sep between them.
func join(sep string, texts ...source.Text) source.Text {
	var zh, en []string
	for _, t := range texts {
		if !t.IsZero() {
			zh, en = append(zh, t.Zh), append(en, t.En)
		}
	}
	return source.Text{Zh: strings.Join(zh, sep), En: strings.Join(en, sep)}
}

// Asked returns what the bot's last words asked for in the state, and whether
// it was words from a screen, so that a bare number is an error code.
func (s *Script) Asked(st State) (asked intents.Asked, expectsText bool) {
	if st.Survey != nil && !st.Survey.Rate {
		return intents.AskedResult, false
	}
	if st.Fix == nil {
		if st.Ended != nil && !st.offers("resume") && !st.endedUnasked() {
			return intents.AskedResult, false // "that was it", "no, still not"
		}
		return intents.AskedCheck, false
	}
	step := s.stepOf(st.Fix.Intent, st.Fix.Step)
	switch {
	case step == nil, step.Expects == "text":
		return intents.AskedCheck, step != nil
	case step.Kind == Check:
		return step.asks, false
	}
	return intents.AskedResult, false
}

// StepText returns the words of a step, empty if there is no such step.
func (s *Script) StepText(intent, id string) source.Text {
	if step := s.stepOf(intent, id); step != nil {
		return step.Text
	}
	return source.Text{}
}
