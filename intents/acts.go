package intents

import (
	"regexp"

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
var resultWords = regexp.MustCompile(`(?i)好了[吗嗎没]|好[吗嗎]\s*[?？]?$|行了[吗嗎]|怎么样|怎麼樣|恢复|能[^。？?]{0,8}了[吗嗎]|还[^。？?]{0,6}[吗嗎]|有没有好|试试|再试|再扫|再刷|` +
	`now\b|any better|is it better|does (that|it|this) (help|work|scan|go|print|start|charge|show|read)|still\b|try (again|once|it)|scan (again|once)|once more|go through`)

var (
	// questionMark ends a question.
	questionMark = regexp.MustCompile(`[?？]\s*$`)
	// afterStep is a question that follows a step, so that it asks for its result ...
	afterStep = regexp.MustCompile(`[.。!！,，;；:：]\s*[^.。!！,，;；:：]+[?？]\s*$`)
	// ... unless it asks whether the step itself was found or done.
	ofStep = regexp.MustCompile(`(?i)(do|can) you (see|find)|is (it|there) (there|saved|on|in)|done|saved|ready|看到|看见|找到|有没有|有[^了]{0,6}[吗嗎]|保存|完成|打开了`)
)

// AskedBy reads from the words of a question what it asks for. The bot itself
// knows what it asked; this is for labelled answers that quote the question.
func AskedBy(question string) Asked {
	switch {
	case !questionMark.MatchString(question), resultWords.MatchString(question):
		return AskedResult
	case afterStep.MatchString(question) && !ofStep.MatchString(question):
		return AskedResult
	}
	return AskedIn(question)
}
