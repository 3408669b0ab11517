package intents

import (
	"regexp"
	"slices"
	"strings"

	"tilldesk/intents/linear"
)

// money is the intent of a payment whose outcome is in doubt.
const money = "payment.charged_not_received"

var (
	// notCharged says that no money was taken. The first group is what may not
	// stand before it: 「扣没扣」 and 「有没有扣」 ask.
	notCharged = regexp.MustCompile(`(?:^|[^扣有不])((?:好在|幸好|幸亏|还好)?(?:钱|款|顾客|客人|客户|他|她|对方|人家)?(?:手机)?(?:说|讲|话|那边|那头)?(?:也|都|并|还|倒是?|又|根本|压根)?(?:没有?|未|冇)(?:被|给)?扣(?:到|掉|成|走)?(?:他|她)?(?:的|任何)?(?:钱|款|费)?)(?:$|[^扣])|` +
		`((?:and |but |luckily |though )*(?:(?:the |my |this )?(?:customers?|clients?|guests?|buyers?|he|she|they|nobody|no one|no-one|nothing)(?:'s)? (?:(?:(?:was|were|is|has been|have been|got) )?(?:not|never) (?:been )?(?:charged|debited|deducted)|(?:wasn't|weren't|isn't|hasn't been|haven't been|didn't get) (?:charged|debited|deducted))|(?:nobody|no one|no-one|nothing) (?:was |were |got |has been )?(?:charged|debited|deducted|taken)|no (?:money|payment|charge|debit)(?: was| were| has been| got| has)? (?:taken|charged|debited|deducted|left|gone|made)(?: (?:his|her|their|the) (?:account|phone|wallet))?|not (?:been )?(?:charged|debited|deducted)))`)
	// asksCharged asks whether it was, or says that it was after all.
	asksCharged = regexp.MustCompile(`[?？吗么]|是不是|是否|有没有|扣没扣|会不会|不知道|不确定|不清楚|到底|但(?:是|)扣|\b(?:whether|if|not sure|unsure|don't know|maybe)\b`)
)

// ofCharging are words of which a text that says that no money was taken has one:
// where there is none, the expressions need not look.
var ofCharging = []string{"扣", "charged", "debited", "deducted", "taken", "no money ", "no payment ", "no charge ", "no debit "}

// restFrom is the probability from which the rest of a message is rather what it
// is about than money: what stands there was said, and no money was taken.
const restFrom = 0.4

// uncharged looks at what a message says beside "and nobody was charged". That
// is told of every trouble, and settles the money rather than asking for it; but
// its words are those of money that is missing. It returns the likeliest
// intents of the rest and how sure the engine is to know it, and reports false
// where the rest says nothing either.
func (e *Engine) uncharged(normal string, top []linear.Guess, buf []linear.Guess) (rest []linear.Guess, known float64, ok bool) {
	if len(top) == 0 || top[0].Label != money && top[0].Score >= answerFrom ||
		!slices.ContainsFunc(ofCharging, func(w string) bool { return strings.Contains(normal, w) }) {
		return nil, 0, false
	}
	at := notCharged.FindStringSubmatchIndex(normal)
	if at == nil || asksCharged.MatchString(normal) {
		return nil, 0, false
	}
	group := 2
	if at[group] < 0 {
		group = 4
	}
	left := strings.Trim(normal[:at[group]]+normal[at[group+1]:], " ,.!;、。")
	rest, known = e.intents.Classify(left, buf[:0])
	sure := len(rest) > 0 && rest[0].Label != money && rest[0].Label != OutOfScope && rest[0].Score >= restFrom
	return rest, known, sure
}
