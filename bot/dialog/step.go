package dialog

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"tilldesk/content/source"
	"tilldesk/intents"
)

// Why the dialog did what it did.
const (
	Silent        Reason = "with_human"
	Greeted       Reason = "greeted"
	Courtesy      Reason = "courtesy"
	Answered      Reason = "answered"
	CodeExplained Reason = "code_explained"
	Started       Reason = "fix_started"
	Restated      Reason = "fix_restated"
	NextStep      Reason = "next_step"
	Switched      Reason = "switched_playbook"
	Explained     Reason = "explained_how"
	Repeated      Reason = "repeated"
	WentBack      Reason = "went_back"
	Confirmed     Reason = "fixed"
	Settled       Reason = "settled"
	ReferralTaken Reason = "referral_taken"
	Unclear       Reason = "unclear"
	OutOfScope    Reason = "out_of_scope"
	NothingToRead Reason = "nothing_to_read"
	Unanswered    Reason = "not_an_answer"
	BegunAgain    Reason = "begun_again"
	Resumed       Reason = "resumed"
	ChoiceGone    Reason = "choice_gone"
	HandedOver    Reason = "handed_over"
	Rated         Reason = "rated"
	KeptForLater  Reason = "kept_for_later" // a trouble told on top of the one under way
	Reopened      Reason = "reopened"       // a case that a person had resolved
	Waits         Reason = "waits"          // the merchant will be back in a moment
)

// Limits on patience: after so many misses, a person.
const (
	maxClarified    = 2 // choices offered in a row
	maxMissed       = 2 // answers to a step not understood in a row
	maxLost         = 3 // clarifying and messages not understood, together
	maxUnproductive = 6 // turns in a row that led nowhere
	maxPaused       = 3 // fixes remembered to come back to
)

// likelyAct is the chance from which a message counts as an answer to what
// was asked when nothing else fits it better.
const likelyAct = 0.2

// Step returns what follows from the input in the state. It has no side
// effects and no memory: same arguments, same outcome.
func (s *Script) Step(from State, in Input) Outcome {
	t := &turn{script: s, in: in, out: Outcome{State: s.present(from)}}
	t.st = &t.out.State
	if t.st.Phase == "" {
		t.st.Phase = Idle
	}
	if t.command() {
		return t.out
	}
	t.language()
	t.remember()
	if t.st.Phase == WithHuman {
		t.out.Reason, t.out.Angry = Silent, t.in.Angry
		return t.out
	}
	before := t.st.Unproductive
	t.warn()
	if t.surveyed() {
		t.close()
		return t.out
	}
	t.respond()
	t.acknowledge()
	if t.st.Phase != WithHuman && t.st.Unproductive > before && t.st.Unproductive > maxUnproductive {
		t.out.Say = nil
		t.warn()
		t.handoff(CauseNotUnderstood)
	}
	t.close()
	return t.out
}

// GiveUp hands a conversation over after its messages could not be answered
// for a fault of ours: an apology, and a person.
func (s *Script) GiveUp(from State) Outcome {
	t := &turn{script: s, out: Outcome{State: s.present(from)}}
	t.st = &t.out.State
	if t.st.Lang == "" {
		t.st.Lang = source.Zh
	}
	if t.st.Phase == WithHuman {
		t.out.Reason = Silent
		return t.out
	}
	if survey := t.st.Survey; survey != nil && !survey.Rate {
		// A person has just had this; they look at it again.
		t.reopenCase(*survey)
		t.say(t.reply(KindEscalated, "handoff."+string(CauseFault)))
	} else {
		t.handoff(CauseFault)
	}
	t.close()
	return t.out
}

// Release gives a conversation back to the bot after a person had it.
func (s *Script) Release(from State) State {
	st := from.clone()
	st.past(st.Fix)
	return State{Lang: st.Lang, Traditional: st.Traditional, LangChosen: st.LangChosen, Phase: Idle, Facts: st.Facts, Before: st.Before, Greeted: true}
}

// turn is one call of Step under way.
type turn struct {
	script *Script
	in     Input
	st     *State
	out    Outcome
	later  []string // other symptoms that the message tells of
	kept   []string // symptoms that it tells of on top of the fix under way
	before *Before  // what the fix that begins may go by
	news   bool     // the message has answered steps of the fix unasked
	unpaid bool     // it says nothing but that nothing was paid
	alone  bool     // it says nothing but what no step asks for
	apart  bool     // what it tells of them sets right what was known, or is all it says: it answers nothing else
	facts  *facts   // nil before it is asked what the message tells
}

func (t *turn) reason(r Reason) { t.out.Reason = r }

func (t *turn) say(lines ...Line) { t.out.Say = append(t.out.Say, lines...) }

func (t *turn) reply(kind ReplyKind, key string, args ...any) Line {
	return Line{Key: key, Kind: kind, Text: t.script.text(key, args...)}
}

// language follows the merchant. Whoever writes Chinese reads Chinese; a word
// or two of English in a Chinese conversation changes nothing. Whoever chose a
// language keeps it.
func (t *turn) language() {
	switch {
	case t.st.LangChosen:
	case !t.in.LangKnown:
		if t.st.Lang == "" {
			t.st.Lang, t.st.LangOpen = cmp.Or(t.in.Lang, source.Zh), true
		}
		return
	case t.in.Lang == source.Zh:
		t.st.Lang = source.Zh
		t.st.Traditional = t.in.Traditional || t.st.Traditional && !simplifiedOnly(t.in.Text)
	case t.st.Lang == "" || t.st.LangOpen || len(strings.Fields(t.in.Text)) >= 3:
		t.st.Lang = source.En
	}
	t.st.LangOpen = false
}

// remember keeps what the case card shows.
func (t *turn) remember() {
	said := map[string]bool{}
	for _, e := range t.in.Entities {
		switch e.Type {
		case intents.Wallet, intents.Brand, intents.Amount, intents.MerchantNo:
			if said[e.Type] || e.Type == intents.Wallet && t.st.Fix != nil && t.st.Facts[e.Type] != "" {
				continue // the one named first is the one that fails
			}
			said[e.Type] = true
			if t.st.Facts == nil {
				t.st.Facts = map[string]string{}
			}
			t.st.Facts[e.Type] = e.Value
			if e.Type == intents.Brand {
				t.st.named()
			}
		}
	}
	for _, c := range t.in.Codes {
		if id := c.Code.ID(); !slices.Contains(t.st.Codes, id) {
			t.st.Codes = append(t.st.Codes, id)
		}
	}
}

// warn says that a number was hidden, before anything else.
func (t *turn) warn() {
	for _, secret := range t.in.Secrets {
		if secret.Kind != intents.MerchantNo {
			t.say(t.reply(KindNotice, "secret"))
			return
		}
	}
}

// close keeps what the next turn needs to know about this one.
func (t *turn) close() {
	t.st.Offered = nil
	if t.out.Reason != Waits { // what was said before is still the last that counts
		t.st.Last = nil
	}
	for _, line := range t.out.Say {
		t.st.Offered = append(t.st.Offered, line.Choices...)
		if line.Kind != KindNotice || line.Key == "media" {
			t.st.Last = append(t.st.Last, line)
		}
	}
}

// respond decides by what the message is: a choice, an answer, a code, an
// intent, a free question, or none of them.
func (t *turn) respond() {
	if first := t.keep(); first != nil && !t.in.Angry && !t.in.Person {
		t.in.Said = first.Said
		t.start(first.Intent)
		return
	}
	if id, ok := t.chosen(); ok {
		t.choose(id)
		return
	}
	if t.in.Choice != "" {
		t.unproductive()
		t.reason(ChoiceGone)
		t.say(t.reply(KindNotice, "choice.gone"))
		t.again()
		return
	}
	if t.in.Angry {
		t.handoff(CauseAnger)
		return
	}
	if t.wantsLanguage() {
		return
	}
	if t.plainer() {
		return
	}
	if t.comesBackTo() || t.newCode() {
		return
	}
	if t.in.Person && !(t.st.Fix != nil && puzzled.MatchString(t.in.Said)) {
		t.person()
		return
	}
	if t.in.NoPerson && (t.intent() == "service.human" || t.in.Act == intents.ActHuman) {
		t.nobody()
		return
	}
	if t.in.Empty {
		t.nothing()
		return
	}
	if t.st.Fix != nil && t.in.Text == "" && len(t.kept) > 0 {
		t.unproductive()
		t.reason(KeptForLater)
		t.goAhead()
		return
	}
	if t.danger() {
		t.start(powerIntent)
		return
	}
	if t.given() || t.holds() || t.remarked() {
		return
	}
	if t.unsettledPayment() {
		t.start(moneyIntent)
		return
	}
	if t.st.Fix != nil && t.ended() {
		return
	}
	if step := t.asked(); t.in.Help && (t.st.Fix == nil || step != nil && !t.saysYesOrNo()) {
		t.helpWith(step)
		return
	}
	if t.st.Fix != nil && t.in.Instead && t.script.playbooks[t.intent()] != nil && !t.inFix(t.intent()) {
		t.correct(t.intent())
		return
	}
	if t.st.Fix != nil {
		t.answer()
		return
	}
	t.understand()
}

// nothing answers a message without words.
func (t *turn) nothing() {
	t.reason(NothingToRead)
	if step := t.asked(); step != nil && onlyAsks.MatchString(t.in.Text) {
		t.unsure(step)
		return
	}
	if step := t.asked(); t.in.Media && step != nil && step.Expects == "text" {
		t.pictured(step)
		return
	}
	if t.in.Media {
		t.say(t.bothLanguages(t.reply(KindNotice, "media")))
		t.again()
		return
	}
	t.unproductive()
	if len(t.in.Secrets) == 0 {
		t.say(t.bothLanguages(t.reply(KindNotice, "empty")))
	}
	t.again()
}

// onlyAsks is a message of nothing but question marks: what was asked is not clear.
var onlyAsks = regexp.MustCompile(`^[\s?？]*[?？][\s?？!！]*$`)

// bothLanguages says a line in both languages as long as it is not known which
// one the merchant reads.
func (t *turn) bothLanguages(line Line) Line {
	if t.st.LangOpen {
		both := line.Text.Zh + "\n" + line.Text.En
		line.Text.Zh, line.Text.En = both, both
	}
	return line
}

func (t *turn) unproductive() { t.st.Unproductive++ }

func (t *turn) productive() {
	t.st.Unproductive, t.st.Missed, t.st.Clarified = 0, 0, 0
}

// again repeats what was asked last.
func (t *turn) again() {
	if step := t.asked(); step != nil {
		t.say(t.stepLine(step))
		return
	}
	for _, line := range t.st.Last {
		if len(line.Choices) > 0 {
			t.say(line)
		}
	}
}

// asked returns the step that waits for an answer, or nil.
func (t *turn) asked() *Step {
	if t.st.Fix == nil {
		return nil
	}
	return t.script.stepOf(t.st.Fix.Intent, t.st.Fix.Step)
}

// chosen returns the choice that the message makes, by pressing it, by its
// number or by its label.
func (t *turn) chosen() (string, bool) {
	offered := t.st.Offered
	if t.in.Choice != "" {
		i := slices.IndexFunc(offered, func(c Choice) bool { return c.ID == t.in.Choice })
		return t.in.Choice, i >= 0
	}
	text := intents.Normalise(t.in.Text)
	for _, c := range offered {
		if text != "" && (text == intents.Normalise(c.Label.Zh) || text == intents.Normalise(c.Label.En)) {
			return c.ID, true
		}
	}
	if step := t.asked(); step != nil && step.Expects == "text" && len(t.in.Codes) > 0 {
		return "", false // the number is an error code
	}
	if id := t.resumed(); id != "" {
		return id, true
	}
	if n := number(text); n >= 1 && n <= len(offered) {
		return offered[n-1].ID, true
	}
	return "", false
}

// resumed reads a yes or no to the offer to go on with a fix set aside.
func (t *turn) resumed() string {
	switch {
	case !t.st.offers("resume") || t.in.ActScore < intents.SureAct, t.in.ActScore < veryLikelyAct && !short(t.in.Text):
	case t.in.Act == intents.ActYes, t.in.Act == intents.ActFixed && short(t.in.Text): // "all right"
		return "resume"
	case t.in.Act == intents.ActNo, t.in.Act == intents.ActSkip:
		return "leave"
	}
	return ""
}

var numerals = map[string]int{
	"一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5,
	"first": 1, "second": 2, "third": 3, "两": 2,
}

// number reads "1", "选1", "第一个", "option 2".
func number(text string) int {
	text = strings.Trim(text, " .。,，!！)）、")
	for _, prefix := range []string{"我选", "选择", "选", "第", "回复", "option", "number", "no.", "#", "the"} {
		text = strings.TrimSpace(strings.TrimPrefix(text, prefix))
	}
	for _, suffix := range []string{"个", "项", "号", "one", "option"} {
		if trimmed := strings.TrimSpace(strings.TrimSuffix(text, suffix)); trimmed != "" {
			text = trimmed
		}
	}
	if len(text) == 1 && text[0] >= '1' && text[0] <= '9' {
		return int(text[0] - '0')
	}
	return numerals[text]
}

// simplifiedOnly reports whether a Chinese text is clearly Simplified.
func simplifiedOnly(s string) bool {
	n := 0
	for _, r := range s {
		if r >= 0x3400 && r <= 0x9fff {
			n++
		}
	}
	return n >= 6
}
