package intents

import (
	"regexp"
	"strings"

	"tilldesk/content/source"
)

// An Act is what a short answer inside a fix does.
type Act string

// The acts.
const (
	ActYes      Act = "act.yes"
	ActNo       Act = "act.no"
	ActFixed    Act = "act.fixed"
	ActNotFixed Act = "act.not_fixed"
	ActUnsure   Act = "act.unsure"
	ActBack     Act = "act.back"
	ActSkip     Act = "act.skip"
	ActRestart  Act = "act.restart"
	ActHuman    Act = "act.human"
	ActTopic    Act = "act.topic"
)

// SureAct is the probability from which a message counts as an answer to what
// was asked, before it is looked at as anything else.
const SureAct = 0.4

// Asked is what the bot's last words asked for. The same "好了" is a yes to a
// question and "it works now" after a step.
type Asked string

// What the bot may have asked.
const (
	AskedCheck  Asked = "check"  // a yes/no question
	AskedResult Asked = "result" // a step to do, or whether it works now
)

var allAsked = []Asked{AskedCheck, AskedResult}

// An ActExample is an answer whose act is known.
type ActExample struct {
	Text  string
	Asked Asked // "" if it means the same whatever was asked
	Act   Act
	Lang  source.Lang
}

type actsFile struct {
	Check  actLists `yaml:"check"`
	Result actLists `yaml:"result"`
	Any    actLists `yaml:"any"`
}

type actLists struct {
	Yes      []string `yaml:"yes"`
	No       []string `yaml:"no"`
	Fixed    []string `yaml:"fixed"`
	NotFixed []string `yaml:"not_fixed"`
	Unsure   []string `yaml:"unsure"`
	Back     []string `yaml:"back"`
	Skip     []string `yaml:"skip"`
	Restart  []string `yaml:"restart"`
	Human    []string `yaml:"human"`
	Topic    []string `yaml:"topic"`
}

func loadActs(folder source.Folder, lang source.Lang) []ActExample {
	file := "intents/acts." + string(lang) + ".yaml"
	var lists actsFile
	doc := folder.YAML(file, &lists)
	if doc == nil {
		return nil
	}
	var examples []ActExample
	for _, part := range []struct {
		key   string
		asked Asked
		lists actLists
	}{{"check", AskedCheck, lists.Check}, {"result", AskedResult, lists.Result}, {"any", "", lists.Any}} {
		seen := map[string]Act{}
		for _, act := range []struct {
			key   string
			act   Act
			texts []string
		}{
			{"yes", ActYes, part.lists.Yes}, {"no", ActNo, part.lists.No},
			{"fixed", ActFixed, part.lists.Fixed}, {"not_fixed", ActNotFixed, part.lists.NotFixed},
			{"unsure", ActUnsure, part.lists.Unsure}, {"back", ActBack, part.lists.Back},
			{"skip", ActSkip, part.lists.Skip}, {"restart", ActRestart, part.lists.Restart},
			{"human", ActHuman, part.lists.Human}, {"topic", ActTopic, part.lists.Topic},
		} {
			for i, text := range act.texts {
				at := []any{part.key, act.key, i}
				key := Normalise(text)
				if key == "" {
					doc.Add(at, "nothing is left of this answer once normalised")
					continue
				}
				if other, twice := seen[key]; twice {
					doc.Add(at, "%q stands under %s already; one answer is one act", text, other)
				}
				seen[key] = act.act
				examples = append(examples, ActExample{text, part.asked, act.act, lang})
			}
		}
	}
	return examples
}

// resultWords are what a question for the result of a step has in it, zh and en.
var resultWords = regexp.MustCompile(`(?i)好了[吗嗎没]|现在(?:可以|正常|成功)了?[吗嗎]|(?:可以|成|通|正常|亮)了[吗嗎]|(?:以后|之后|后|完)[,，]?(?:就|还)?能[^。？?]{0,8}[吗嗎]|好[吗嗎]\s*[?？]?$|行了[吗嗎]|怎么样|怎麼樣|恢复|能[^。？?]{0,8}了[吗嗎]|还(?:是|会|會|在|报|報|提示|闪|卡|不|那样)[^。？?]{0,6}[吗嗎]|有没有好|行不行|有(?:没有|什么)?变化|解决了?[吗嗎没]|(?:之后|以后)呢|效果(?:怎|如何)|(?:以后|之后)[^。？?]{0,6}[扫付收刷连打]得?[上到出了]|试试|再试|再扫|再刷|` +
	`now\s*[?？]|any better|is it better|does (that|it|this) (help|work|scan|go|print|start|charge|show|read)|\b(?:it|that|this|they) still\b|still (?:fail|dead|not|the same|happen|there|show|say)\w*|try (again|once|it)|scan (again|once)|once more|go through|any luck|this time|again\s*[?？]$|back to normal|how did it go|what happened|(?:any|some)thing (?:change|happen)|did (?:that|this|it|\w+ing) (?:help|work|fix|do|solve)|(?:problem|trouble|issue) (?:solved|gone|fixed)|g(?:o|one) away|come back on|\bafter (?:that|this|it|the \w+|you)\b|^(?:is it|has it|are you) (?:working|better|ok|okay|fine|back|printed|printing|able)\b`)

var (
	// questionMark ends a question.
	questionMark = regexp.MustCompile(`[?？]\s*$`)
	// thenType asks for the words themselves, in case the answer is yes.
	thenType = regexp.MustCompile(`(?i)([?？])\s*(?:有的话|是的话|如果有|if (?:so|yes)\b)[^?？]*$`)
	// lastClause parts what stands before the last clause of a question from it.
	lastClause = regexp.MustCompile(`^(.*[.。!！,，;；:：])\s*([^.。!！,，;；:：]+[?？])\s*$`)
	// instructs is an action to be done: its result is what is asked then ...
	instructs = regexp.MustCompile(`(?i)擦|重启|重开|关机|开机|关掉|关了|拔|插|刷新|重新|打开|调[高大亮低暗整到成]|撕|按[住一]|长按|清[理洁]|换[成到根条张卷块]|换个(?:网|线|充电|插座|口|位置|地方)|连[上到接]|切换?|充[一电]|签到|更新|退出|登录|点[一开]|[移挪]|靠[近]|放到?|再[扫刷试付]|拔插|` +
		`\b(?:please|wipe|clean|restart|reboot|switch|turn|unplug|plug|reinsert|reseat|re-?load|press|hold (?:it|the power)|open|close|refresh|reload|move|charge|replace|peel|remove|tap|push|ask the customer to|have the customer|let the customer|reconnect|connect|sign (?:in|out)|log (?:in|out)|update|change|set|raise|lower|brighten|try|scan|pull|insert|put|take|select|choose|reset|swap)\b`)
	// ... unless it is something else to try, which only tells causes apart ...
	tellsApart = regexp.MustCompile(`(?i)换(?:另|一种|别的|其[他它]|个?(?:顾客|客人|人|手机|钱包))|的时候[^。]*$|先确认|另一[位个部]|\b(?:another|other|different) (?:customer|phone|wallet|app|shop)|^(?:do|does|did|can|could|will|would) (?:another|(?:a |the |any )?(?:other|different|next)) [a-z]|\bwhen you\b|\bafter you (?:press|plug|unplug)\b|^with the same customer|^one thing`)
	// ... or what is asked is no outcome.
	outcome = regexp.MustCompile(`(?i)好[了使用吗嗎些点]|行[了吗嗎]|可以|能|成功|正常|恢复|管用|有用|解决|[扫收付刷连打充登签]得?[上出到了进]|到账|出纸|开机|[通亮响灵上]了?没|(?:亮|通|响)没(?:亮|通|响)|[开充][^,，]{0,2}没有?[?？]|\b(?:on|printing|works?|working|go(?:es)? through|scans?|scanning|helps?|better|fixed|ok|okay|fine|pays?|prints?|starts?|reads?|ready|gone|solved|succeed|connects?|connected|any (?:change|difference|luck))\b`)
	// nowAsked asks in so many words what came of a step.
	nowAsked = regexp.MustCompile(`(?i)好了[吗嗎没]|现在|再[扫试刷]|\bnow\s*[?？]|does (?:it|that|this) (?:work|help)`)
	// atPresent says when, and asks for no result.
	atPresent = strings.NewReplacer(" right now", "", " at the moment", "")
	// ofStep asks whether the step itself was found or done.
	ofStep = regexp.MustCompile(`(?i)网页|\b(?:light|lamp|symbol|icon)s? (?:\w+ )?come on\b|(do|can) you (see|find)|is (it|there) (there|saved|on|in)|done|saved|看到|看见|找到|有没有|有[^了]{0,6}[吗嗎]|保存|完成|打开了`)
)

// AskedBy reads from the words of a question what it asks for. The bot itself
// knows what it asked; this is for labelled answers that quote the question.
func AskedBy(question string) Asked {
	question = thenType.ReplaceAllString(atPresent.Replace(question), "$1")
	switch {
	case !questionMark.MatchString(question):
		return AskedResult
	case tellsApart.MatchString(question) && !nowAsked.MatchString(question):
	case asksStill.MatchString(Normalise(question)):
		return AskedStill
	case resultWords.MatchString(question), followsStep(question):
		return AskedResult
	}
	return AskedIn(question)
}

// followsStep reports whether a question names an action first and asks for what
// came of it then: "wipe the window, does it scan?".
func followsStep(question string) bool {
	parts := lastClause.FindStringSubmatch(question)
	if parts == nil {
		return false
	}
	step, asks := parts[1], parts[2]
	return instructs.MatchString(step) && !tellsApart.MatchString(question) && outcome.MatchString(asks) && !ofStep.MatchString(asks)
}
