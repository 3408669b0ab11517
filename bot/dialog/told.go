package dialog

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"tilldesk/content/source"
)

// Told are the words that answer a step before it is asked: 「支付宝好好的」
// says that another wallet works, "already rebooted twice" that a restart did
// not help.
type Told struct {
	Yes   *Words `yaml:"yes"`   // of a check
	No    *Words `yaml:"no"`    // of a check
	Tried *Words `yaml:"tried"` // of a fix: it was done, and the trouble is still there
	Done  *Words `yaml:"done"`  // of a fix that is asked: it was done, and that settles it
}

// way is a result of a step with the words that tell it, nil if there are none.
type way struct {
	key    string
	words  *Words
	kind   Kind // of the steps that have it
	result Result
}

func (t Told) ways() [4]way {
	return [...]way{{"yes", t.Yes, Check, Yes}, {"no", t.No, Check, No}, {"tried", t.Tried, Fix, NotFixed}, {"done", t.Done, Fix, Fixed}}
}

// Words are the ways to say one thing. A way is written as people write it,
// normalised, with (one|or another), … for a few words between, and {name}
// for any of a group of words.
type Words struct {
	Known source.Text `yaml:"known"` // what is understood by it, said back to the merchant
	Zh    []string    `yaml:"zh"`
	En    []string    `yaml:"en"`

	zh, en *expression
}

// groups are words that stand for each other in the ways to say something.
type groups map[string]struct {
	Zh []string `yaml:"zh"`
	En []string `yaml:"en"`
}

// A fact is a step that a message answers unasked.
type fact struct {
	step   string
	result Result
	denied bool // the message says that it is not so
	at     int
	all    bool // the message says nothing else
}

// maxHeard is how much of a message is searched for facts, in bytes.
const maxHeard = 4 << 10

// told returns what a normalised message says about steps, in its order. What
// it says both ways is left out: nothing is guessed.
func (s *Script) told(text string) []fact {
	if len(text) > maxHeard {
		text = strings.ToValidUTF8(text[:maxHeard], "")
	}
	// Ways to say something in one language have letters of it.
	han := strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Han, r) })
	latin := strings.ContainsFunc(text, func(r rune) bool { return r >= 'a' && r <= 'z' })
	var facts []fact
	mixed, letters := text, text
	may := s.cues.in(text)
	if han && latin {
		mixed = apart(text)
		letters = inLetters(mixed)
		maps.Copy(may, s.cues.in(letters))
	}
	for _, step := range s.tellable {
		var of []fact
		for _, way := range step.Told.ways() {
			if way.words == nil {
				continue
			}
			for _, in := range []struct {
				re            *expression
				spoke         bool
				letters, text string
			}{{way.words.zh, han, text, text}, {way.words.en, latin, letters, mixed}} {
				if !in.spoke || !may[in.re] {
					continue
				}
				if f, ok := find(in.re.ready(), in.letters, in.text, way.result); ok {
					f.step = step.ID
					of = append(of, f)
				}
			}
		}
		slices.SortStableFunc(of, func(a, b fact) int { return cmp.Compare(a.at, b.at) })
		if len(of) > 0 && !slices.ContainsFunc(of, func(f fact) bool { return f.result != of[0].result || f.denied != of[0].denied }) {
			facts = append(facts, of[0])
		}
	}
	slices.SortStableFunc(facts, func(a, b fact) int { return cmp.Compare(a.at, b.at) })
	return facts
}

// facts are what a text tells.
type facts struct {
	of  string
	all []fact
}

// told returns what the message says about steps. It is asked several times in a
// turn and takes more time than all else in it, so it is kept.
func (t *turn) told() []fact {
	if t.facts == nil || t.facts.of != t.in.Said {
		t.facts = &facts{t.in.Said, t.script.told(t.in.Said)}
	}
	return t.facts.all
}

// Tells reports whether a normalised message answers a step unasked.
func (s *Script) Tells(text string) bool { return len(s.told(text)) > 0 }

// find returns the first place where a way to say something stands as a plain
// statement about now: in no question, condition or memory. It is looked for in
// the text as the expression has it, of the same length.
func find(re *regexp.Regexp, letters, text string, result Result) (fact, bool) {
	for from := 0; from < len(text); {
		at := re.FindStringSubmatchIndex(letters[from:])
		if at == nil {
			return fact{}, false
		}
		for i := range at {
			if at[i] >= 0 {
				at[i] += from
			}
		}
		start, end := at[0], at[1]
		_, size := utf8.DecodeRuneInString(text[start:])
		from = start + max(size, 1)
		first, last := clause(text, start, end)
		around := text[first:start] + " " + text[end:last] + " "
		given, gaps := parts(text, at)
		switch {
		case negative.MatchString(gaps), supposed.MatchString(around + "- " + gaps), strings.HasPrefix(text[last:], "?"):
		case result != NotFixed && !past.MatchString(given) && past.MatchString(around+gaps):
		case result == NotFixed && (unaided.MatchString(text[first:start]) || helped.MatchString(soon(text[end:]))):
		default:
			denied := notSo.MatchString(text[first:start]) && !takesBack.MatchString(text[first:start])
			return fact{result: result, denied: denied, at: start, all: nothingElse.MatchString(text[:start] + text[end:])}, true
		}
	}
	return fact{}, false
}

// parts returns the words of a match that the way to say it gives, and those
// in its gaps.
func parts(text string, at []int) (given, gaps string) {
	from := at[0]
	for i := 2; i+1 < len(at); i += 2 {
		if at[i] >= from {
			given, gaps = given+text[from:at[i]], gaps+text[at[i]:at[i+1]]+" "
			from = at[i+1]
		}
	}
	return given + text[from:at[1]], gaps
}

var (
	negative = regexp.MustCompile(`[不没别无未冇唔莫甭]|\b(?:not|no|never|nothing|none|without|neither)\b|n't`)
	// notSo before a statement turns it round.
	notSo = regexp.MustCompile(`(?:没有?|不是|不|并非|从?未|别|冇|唔)$|\b(?:not|never|no|without|\w+n't|cannot)(?: (?:been|have|has|had|any|yet|be))? $`)
	// takesBack is a "no" to what was said before, not to what follows.
	takesBack = regexp.MustCompile(`^(?:(?:oh|well|wait|sorry|hmm|ah|hang on|actually)[, ]+)+(?:no|nope)[, ]*$|^(?:哦|啊|其实|等等|[, ])*不对?[, ]*$`)
	// supposed is a question, a condition, a guess, or what is so only at times.
	supposed = regexp.MustCompile(`[吗么]$|可能|好像|大概|也许|估计|应该|maybe|perhaps|probably|might|i (?:think|guess|suppose)|有时|偶尔|时不时|一会儿?|sometimes|at times|from time to time|now and then|occasionally|如果|要是|假如|万一|是不是|是否|要不要|能不能|可不可以|需不需要|该不该|用不用|有没有|怎么|为什么|为啥|^ *(?:if|should|can|do|does|did|is|are|shall|must|what|how|why|when|whether)\b|\b(?:if|whether|none|nobody|no one|should i|do i|can i|how (?:do|can|to))\b`)
	// past is what is no longer so.
	past = regexp.MustCompile(`昨[天晚儿]|前[天阵几]|上(?:周|星期|礼拜|个?月|回|次)|以前|之前|原来|原先|本来|平时|往常|早上还|刚才还|刚刚还|(?:yester|the other )day|\bbefore\b|used to|\blast (?:week|month|night|time)\b|\buntil\b|earlier|previously|normally|usually`)
	// unaided is what the terminal did by itself.
	unaided = regexp.MustCompile(`自己|自动|无故|频繁|老是|总是|动不动|又$|\b(?:keeps?|itself|its own|always)\b`)
	// helped says that what was tried has helped, be it for a while.
	helped = regexp.MustCompile(`好了|好一|好过|可以了|行了|就行|就好|能[用收付扫]|可以|正常|恢复|\b(?:works?|worked|fixed|fine|helped|helps|ok|okay)\b`)
)

// clause returns the bounds of the part of a sentence that text[start:end]
// stands in.
func clause(text string, start, end int) (first, last int) {
	marks := ",.!?;:。、~\n"
	first = strings.LastIndexAny(text[:start], marks) + 1
	for first < start && !utf8.RuneStart(text[first]) {
		first++ // the mark has more than one byte
	}
	last = len(text)
	if i := strings.IndexAny(text[end:], marks); i >= 0 {
		last = end + i
	}
	begin := first
	for _, at := range joints.FindAllStringIndex(text[begin:last], -1) {
		from, to := begin+at[0], begin+at[1]
		switch {
		case to <= start:
			first = to
		case from >= end:
			return first, from
		}
	}
	return first, last
}

// joints join parts of a sentence where no mark does: a blank between Chinese
// words, "and" between English ones.
var joints = regexp.MustCompile(`[\x{3400}-\x{9fff}]( +)[\x{3400}-\x{9fff}]|但是?|可是|不过|结果| (?:and|but|so|because|then|though) `)

// soon returns the beginning of a text, in which it is said what came of
// something.
func soon(text string) string {
	const bytes = 33 // eleven Chinese characters, six English words
	if len(text) <= bytes {
		return text
	}
	return strings.ToValidUTF8(text[:bytes], "")
}

// checkTold checks the words of a step and makes them ready to be found.
func checkTold(doc *source.Document, step *Step, words groups, at []any) {
	for _, way := range step.Told.ways() {
		if way.words == nil {
			continue
		}
		at := append(slices.Clone(at), "told", way.key)
		if step.Kind != way.kind {
			doc.Add(at, "`%s` belongs to a %s, this is a %s", way.key, way.kind, step.Kind)
		}
		doc.CheckText(way.words.Known, append(at, "known")...)
		for _, side := range []struct {
			lang source.Lang
			ways []string
			into **expression
		}{{source.Zh, way.words.Zh, &way.words.zh}, {source.En, way.words.En, &way.words.en}} {
			at := append(slices.Clone(at), string(side.lang))
			if len(side.ways) == 0 {
				doc.Add(at, "no way to say it in %s", side.lang)
				continue
			}
			*side.into = compile(doc, side.ways, side.lang, words, at)
		}
	}
}

// shortestWay is how many letters a way to say something has at least: less
// says too little to conclude anything from it.
const shortestWay = 2

func compile(doc *source.Document, ways []string, lang source.Lang, words groups, at []any) *expression {
	all := make([]string, 0, len(ways))
	for i, way := range ways {
		at := append(slices.Clone(at), i)
		pattern, err := wayPattern(way, lang, words)
		if err != "" {
			doc.Add(at, "%q: %s", way, err)
			continue
		}
		if _, err := syntax.Parse(pattern, syntax.Perl); err != nil {
			doc.Add(at, "%q: its brackets do not match", way)
			continue
		}
		if m := regexp.MustCompile(`^(?:` + pattern + `)$`); m.MatchString("") || len(strings.TrimFunc(way, func(r rune) bool { return !unicode.IsLetter(r) && r != '{' })) < shortestWay {
			doc.Add(at, "%q says too little to conclude anything from it", way)
			continue
		}
		all = append(all, pattern)
	}
	if len(all) == 0 {
		return nil
	}
	together := &expression{text: strings.Join(all, "|")}
	if _, err := syntax.Parse(together.text, syntax.Perl); err != nil { // each of them can be read
		doc.Add(at, "there are too many ways to say it")
		return nil
	}
	return together
}

// wayPattern writes a way to say something as a regular expression. What is
// between two parts is captured, so that a "not" can be seen there.
func wayPattern(way string, lang source.Lang, words groups) (pattern, problem string) {
	var b strings.Builder
	for rest := way; rest != ""; {
		r, size := utf8.DecodeRuneInString(rest)
		rest = rest[size:]
		switch {
		case r == '(':
			b.WriteString("(?:")
		case r == ')' || r == '|':
			b.WriteRune(r)
		case r == '…' && lang == source.En:
			b.WriteString(`\b([^,.!?;:]{0,30}?)\b`)
		case r == '…':
			b.WriteString(`([^,.!?;:。、~ ]{0,8}?)`)
		case strings.ContainsRune(`*+?[]^$\}`, r):
			return "", fmt.Sprintf("%q means nothing here; there are (one|another), … and {group}", r)
		case r == '{':
			name, left, ok := strings.Cut(rest, "}")
			group, known := words[name]
			if !ok || !known {
				return "", "there is no group {" + name + "} in " + sharedFile + "; groups: " + strings.Join(slices.Sorted(maps.Keys(words)), " ")
			}
			rest = left
			list := group.Zh
			if lang == source.En {
				list = group.En
			}
			var quoted []string
			for _, w := range list {
				p, problem := wayPattern(w, lang, nil)
				if problem != "" {
					return "", problem
				}
				quoted = append(quoted, p)
			}
			b.WriteString("(?:" + strings.Join(quoted, "|") + ")")
		default:
			c := string(r)
			if lang == source.En {
				c = inLetters(c)
			}
			b.WriteString(regexp.QuoteMeta(c))
		}
	}
	if lang == source.En {
		return `\b(?:` + b.String() + `)\b`, ""
	}
	return "(?:" + b.String() + ")", ""
}

// tell checks the words of a step and adds it to those that may be answered
// unasked, unless it is among them.
func (s *Script) tell(among []*Step, step *Step, words groups, doc *source.Document, at []any) []*Step {
	if step.Told == (Told{}) || step.Use != "" {
		return among
	}
	checkTold(doc, step, words, at)
	for _, way := range step.Told.ways() {
		if w := way.words; w != nil {
			at := append(slices.Clone(at), "told", way.key)
			s.ways = append(s.ways, waysOf{doc, append(slices.Clone(at), "zh"), w.Zh}, waysOf{doc, append(at, "en"), w.En})
		}
	}
	if slices.ContainsFunc(among, func(o *Step) bool { return o.ID == step.ID }) {
		return among
	}
	return append(among, step)
}

// heed prepares the cues of the words that answer steps unasked.
func (s *Script) heed() {
	var all []*expression
	for _, step := range s.tellable {
		for _, way := range step.Told.ways() {
			if way.words == nil {
				continue
			}
			for _, re := range []*expression{way.words.zh, way.words.en} {
				if re != nil {
					all = append(all, re)
				}
			}
		}
	}
	s.cues = newCues(all)
}

// Ways calls visit with every way to say something that stands in the content:
// the place of its list, and the way itself.
func (s *Script) Ways(visit func(doc *source.Document, keys []any, way string)) {
	for _, of := range s.ways {
		for i, way := range of.ways {
			visit(of.doc, append(slices.Clone(of.at), i), way)
		}
	}
}
