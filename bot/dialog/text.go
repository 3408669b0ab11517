package dialog

import (
	"regexp"
	"strings"

	"tilldesk/content/source"
	"tilldesk/intents"
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

// bareYes is an answer that says yes, or that something is there, and nothing
// else.
var bareYes = regexp.MustCompile(`^(?:[是对有的嗯恩啊呀哦就只了笔,.!。、\s]|没错|正是|正好|确实|一笔|[查找看]到|显示|写着|变成|ye[saph]+|ya|yup|correct|right|exactly|indeed|sir|one|it is|it says|there is|marked|👍)*$`)

// plainNo begins an answer that says no before it says more.
var plainNo = regexp.MustCompile(`^(?:没有?|没得|莫得|冇|无|no|nope|nah|none|nothing)[!,.。\s]*[!,.。]`)

// quoted are words of the screen in a question.
var quoted = regexp.MustCompile(`[“"]([^”"]+)[”"]`)

// plainYes reports whether an answer says yes in so many words, or in those of
// the screen that the question names.
func plainYes(answer, question string) bool {
	answer = intents.Normalise(answer)
	for _, words := range quoted.FindAllStringSubmatch(question, -1) {
		for _, word := range strings.FieldsFunc(words[1], func(r rune) bool { return r == '、' || r == ',' }) {
			answer = strings.ReplaceAll(answer, intents.Normalise(word), "")
		}
	}
	return bareYes.MatchString(answer)
}

// asks is a question, with or without its mark.
var asks = regexp.MustCompile(`[?]|[吗呢]|怎么|咋|啥|什么|多少|几[点号个天]|哪|谁|如何|能不能|可不可以|是不是|有没有|\b(?:what'?s?|which|who|where|when|why|how)\b|^(?:can|could|do|does|is|are|should|may)\b`)

// asksBack is an answer that is a question itself.
var asksBack = regexp.MustCompile(`[?吗呢]\s*$`)

// picture is what words that point at a picture are about.
var picture = regexp.MustCompile(`(?i)[如见看]图|图[片里上中]|照片|截[了个]?[图屏]|拍[了给]|\b(?:photo|pic|picture|image|screenshot|attached|attachment)s?\b`)

// pointsAtPicture reports whether a text only says that a picture tells it.
func pointsAtPicture(text string) bool {
	const runes = 24 // "please see the picture"
	return len([]rune(text)) <= runes && picture.MatchString(text)
}

// howTo asks how a step is done.
var howTo = regexp.MustCompile(`(?:怎么|咋|咋个|如何|点样|点)(?:做|弄|退|试|擦|看|查|按|点|操作|找|开|关|换|拔|撕|签|连)|(?:在|去)哪[里儿]?(?:退|看|查|按|点|找|开|关|签|换|设)|\bhow (?:do|can|should) (?:i|we|you)\b|\bhow to\b|\bwhere (?:is|do i|can i)\b`)

// notYet says that a step is still to be done.
var notYet = regexp.MustCompile(`还没(?:来得及|顾上|空|有?做|弄|试|擦|重启|拔|换|退|按|撤)|没(?:来得及|顾上)|(?:haven'?t|have not|not|didn'?t) (?:\w+ )?(?:done|tried|do|did|try|restarted|wiped|started)\b.{0,12}\b(?:yet|busy|customers|moment)`)
