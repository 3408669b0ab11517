package dialog

import (
	"regexp"
	"strconv"
	"strings"

	"tilldesk/intents"
)

// Survey is the question whether a person has solved a case, and then how it
// was. It is asked in an idle conversation and answered by the by: whoever
// has something else to say is heard.
type Survey struct {
	Ticket string `json:"ticket"`
	Rate   bool   `json:"rate,omitempty"` // it is solved; the rating is asked
}

// Feedback is what the merchant says to a survey.
type Feedback struct {
	Ticket string `json:"ticket"`
	Solved Result `json:"solved,omitempty"` // Yes, No, or "" if nothing was said to it
	Rating int    `json:"rating,omitempty"` // 1 to 5, or 0
	Reopen bool   `json:"reopen,omitempty"` // the case is with people again
}

// The choices of a survey.
const (
	solvedYes    = "solved_yes"
	solvedNo     = "solved_no"
	ratingPrefix = "rate"
	ratings      = 5
)

// AskSolved gives a conversation back to the bot after a person resolved its
// case, and asks whether it is solved.
func (s *Script) AskSolved(from State, ticket string) (State, []Line) {
	t := s.speak(s.Release(from))
	t.st.Survey = &Survey{Ticket: ticket}
	line := t.reply(KindAsk, "desk.solved")
	line.Choices = []Choice{s.choice(solvedYes), s.choice(solvedNo)}
	t.say(line)
	return t.spoken()
}

// TakeBack gives a conversation back to the bot and says so.
func (s *Script) TakeBack(from State) (State, []Line) {
	t := s.speak(s.Release(from))
	t.say(t.reply(KindNotice, "desk.released"))
	return t.spoken()
}

// Elsewhere gives a conversation back to the bot because people answer the
// merchant's trouble in the conversation of another ticket.
func (s *Script) Elsewhere(from State, ticket string) (State, []Line) {
	t := s.speak(s.Release(from))
	t.say(t.reply(KindNotice, "desk.elsewhere", "ticket", ticket))
	return t.spoken()
}

// HandBack gives a conversation to the people of a case, without a word.
func (s *Script) HandBack(from State, ticket string) State {
	st := s.Release(from)
	st.Phase, st.Ticket = WithHuman, ticket
	return st
}

// speak begins a turn in which nobody has said anything.
func (s *Script) speak(from State) *turn {
	t := &turn{script: s, out: Outcome{State: from}}
	t.st = &t.out.State
	return t
}

func (t *turn) spoken() (State, []Line) {
	t.close()
	return t.out.State, t.out.Say
}

// surveyed takes the answer to a survey. It reports false if the message is to
// be read as any other.
func (t *turn) surveyed() bool {
	if t.st.Survey == nil {
		return false
	}
	survey := *t.st.Survey
	f := &Feedback{Ticket: survey.Ticket}
	rating := t.rating()
	switch {
	case survey.Rate && rating > 0:
		f.Rating = rating
		t.out.Feedback, t.st.Survey = f, nil
		t.reason(Rated)
		t.say(t.reply(KindAnswer, "desk.rated"))
	case survey.Rate:
		// They have something else on their mind; the rating is not asked again.
		t.st.Survey = nil
		return false
	case t.praise() > 0:
		f.Solved, f.Rating = Yes, t.praise()
		t.out.Feedback, t.st.Survey = f, nil
		t.reason(Rated)
		t.say(t.reply(KindAnswer, "desk.rated"))
	case t.isSolved():
		f.Solved = Yes
		t.out.Feedback = f
		t.st.Survey = &Survey{Ticket: survey.Ticket, Rate: true}
		t.reason(Confirmed)
		line := t.reply(KindAsk, "desk.rate")
		for n := ratings; n >= 1; n-- {
			line.Choices = append(line.Choices, t.script.choice(ratingPrefix+strconv.Itoa(n)))
		}
		t.say(line)
	case t.isThanks():
		t.reason(Courtesy)
		t.say(t.reply(KindAnswer, "goodbye"))
		t.st.Survey = &survey
	default:
		t.reopenCase(survey)
		t.say(t.reply(KindEscalated, "desk.reopened"))
	}
	t.productive()
	return true
}

// reopenCase gives the conversation back to the people who had it.
func (t *turn) reopenCase(survey Survey) {
	f := &Feedback{Ticket: survey.Ticket, Reopen: true}
	if t.isUnsolved() {
		f.Solved = No
	}
	t.out.Feedback, t.out.Angry = f, t.in.Angry
	*t.st = t.script.HandBack(*t.st, survey.Ticket)
	t.reason(Reopened)
}

// praised is a rating and nothing else. "少了5分钱" is none.
var praised = regexp.MustCompile(`^(?:给|打|给你|打个|满意 ?)?([3-5]|[三四五]|three|four|five)(?: ?(?:分|星|颗星|stars?|points?|/ ?5))?(?: ?好评)?$`)

// praise reads a good rating that is given at once, instead of an answer to
// whether it is solved; 0 if it is none. Who gives one or two stars is not
// content: somebody looks at it again.
func (t *turn) praise() int {
	if _, chose := t.chosen(); chose || t.in.Choice != "" {
		return 0
	}
	found := praised.FindStringSubmatch(strings.Trim(intents.Normalise(t.in.Text), " .。,，!！~～"))
	if found == nil {
		return 0
	}
	return number(found[1])
}

// stars are a rating with its unit, among other words: "5分 很好", "five stars".
var stars = regexp.MustCompile(`(?:^|[^0-9.])([1-5]|[一二两三四五]|one|two|three|four|five) ?(?:分|星|颗星|stars?|points?|/ ?5)(?:[^0-9钟]|$)`)

// rating reads how it was: a choice, or a number of stars.
func (t *turn) rating() int {
	id, ok := t.chosen()
	if t.in.Choice == "" {
		text := intents.Normalise(t.in.Text)
		if found := stars.FindStringSubmatch(text); found != nil {
			text = found[1]
		}
		if n := number(text); n >= 1 && n <= ratings {
			return n // "5" means five stars, not the fifth choice
		}
	}
	if n, err := strconv.Atoi(strings.TrimPrefix(id, ratingPrefix)); ok && err == nil && n >= 1 && n <= ratings {
		return n
	}
	return 0
}

func (t *turn) isSolved() bool {
	if id, ok := t.chosen(); ok {
		return id == solvedYes
	}
	return (t.in.Act == intents.ActYes || t.in.Act == intents.ActFixed) && t.in.ActScore >= veryLikelyAct && !t.newTrouble()
}

func (t *turn) isUnsolved() bool {
	if id, ok := t.chosen(); ok {
		return id == solvedNo
	}
	return (t.in.Act == intents.ActNo || t.in.Act == intents.ActNotFixed) && t.sureAct(intents.SureAct)
}

// newTrouble reports whether the message surely names a symptom.
func (t *turn) newTrouble() bool {
	return t.in.Decision == intents.Answer && t.script.playbooks[t.intent()] != nil && t.score() >= newTopic
}

// isThanks reports whether the message is only polite: it says nothing about
// whether it is solved, and nobody has to come back for it.
func (t *turn) isThanks() bool {
	if t.in.Empty && !t.in.Media {
		return true
	}
	return t.in.Decision == intents.Answer && strings.HasPrefix(t.intent(), "smalltalk.")
}
