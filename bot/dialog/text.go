package dialog

import (
	"regexp"
	"strings"

	"tilldesk/content/source"
)

// twoActions are the marks of a second action in one step. A step is read at a
// counter with a queue: the second half would be forgotten.
var twoActions = map[source.Lang]*regexp.Regexp{
	source.Zh: regexp.MustCompile(`然后|接着|之后再|[①②③]|(^|\n)\s*\d[.、)]|第[一二三]步`),
	source.En: regexp.MustCompile(`(?i)\band then\b|\bafter that\b|\bnext,|(^|\n)\s*\d[.)]\s|\bfirst,.*\bsecond\b`),
}

// checkOneAction adds a problem if a step's text asks for more than one action.
func checkOneAction(doc *source.Document, t source.Text, keys ...any) {
	for lang, re := range twoActions {
		if found := re.FindString(t.In(lang)); found != "" {
			at := append(keys[:len(keys):len(keys)], string(lang))
			doc.Add(at, "a step is one action, %q starts another; make it a step of its own", strings.TrimSpace(found))
		}
	}
}

var irreversible = regexp.MustCompile(`(?i)恢复出厂|初始化设备|格式化|清除数据|清空数据|撤销这|发起退款|点“?退款|factory reset|wipe (the|all) (terminal|data|memory)|erase all|clear (the )?data|\bvoid (it|the|this)|\brefund (it|the|this)`)

// irreversibleWords returns the words of t that advise something that cannot
// be undone, or "".
func irreversibleWords(t source.Text) string {
	for _, text := range []string{t.Zh, t.En} {
		for _, at := range irreversible.FindAllStringIndex(text, -1) {
			if !negated(text[:at[0]]) {
				return text[at[0]:at[1]]
			}
		}
	}
	return ""
}

var negation = regexp.MustCompile(`(?i)(不要|别|勿|不能|不需要|不用|切勿|never|not|don't|no)[^，。；,.;]{0,24}$`)

func negated(before string) bool { return negation.MatchString(before) }
