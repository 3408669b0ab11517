package kb

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"tilldesk/content/source"
	"tilldesk/intents/hanzi"
)

// A Code is an error code or screen text of a terminal or a wallet.
type Code struct {
	Code    string      `yaml:"code"`
	Scheme  string      `yaml:"scheme"` // pos, wechat, alipay
	Texts   []string    `yaml:"texts"`  // what the screen says; recognised without the code
	Meaning source.Text `yaml:"meaning"`
	By      string      `yaml:"by"` // who must act
	Rescan  Rescan      `yaml:"rescan"`
	Action  source.Text `yaml:"action"`
	Intent  string      `yaml:"intent"` // the playbook to go on with, if any
	// Causes are those it speaks for, wherever a playbook has one of that id.
	Causes []string `yaml:"causes"`
	// Step is the fix that Action already tells; its result is asked next.
	Step   string   `yaml:"step"`
	Source []string `yaml:"source"`

	doc   *source.Document
	index int
}

// Rescan says whether the payment may be tried again.
type Rescan string

// Whether to try again.
const (
	RescanCheck Rescan = "check_first" // the result is unknown or it was paid: check first
	RescanFresh Rescan = "fresh"       // once, with a fresh code
	RescanWait  Rescan = "wait"        // once, after a moment
	RescanOther Rescan = "other"       // only with another way to pay
	RescanNo    Rescan = "no"          // not until it is settled
)

// ID names the code uniquely: scheme/code.
func (c Code) ID() string { return c.Scheme + "/" + c.Code }

// Problem records a problem of one of the code's keys.
func (c *Code) Problem(key, format string, args ...any) {
	c.doc.Add([]any{c.index, key}, format, args...)
}

// Codes finds error codes in messages.
type Codes struct {
	all      []*Code
	symbols  map[string]*Code // letters and digits only, upper case
	numbers  map[string]*Code
	texts    []screenText // longest first
	maxWords int
}

type screenText struct {
	text string // folded, Han, letters and digits only
	code *Code
}

// All returns every code in the order of the files.
func (c *Codes) All() []*Code { return c.all }

// A Found is a code that a message names.
type Found struct {
	Code *Code
	Text string // what stands in the message, folded
	at   int
}

var (
	schemes = []string{"pos", "wechat", "alipay"}
	bys     = []string{"merchant", "customer", "acquirer", "wallet", "network", "supplier", "bank"}
	rescans = []Rescan{RescanCheck, RescanFresh, RescanWait, RescanOther, RescanNo}
)

func loadCodes(folder source.Folder, sources map[string]bool) *Codes {
	c := &Codes{symbols: map[string]*Code{}, numbers: map[string]*Code{}}
	ids := map[string]bool{}
	byText := map[string]*Code{}
	for _, file := range folder.Files(codesDir, ".yaml") {
		var list []*Code
		doc := folder.YAML(file, &list)
		if doc == nil {
			continue
		}
		for i, code := range list {
			if code == nil {
				doc.Add([]any{i}, "nothing stands here; take the dash out")
				continue
			}
			code.doc, code.index = doc, i
			code.check(sources)
			if ids[code.ID()] {
				code.Problem("code", "%s stands twice", code.ID())
			}
			ids[code.ID()] = true
			c.all = append(c.all, code)
			c.add(code, byText)
		}
	}
	slices.SortStableFunc(c.texts, func(a, b screenText) int { return cmp.Compare(len(b.text), len(a.text)) })
	return c
}

func (c *Code) check(sources map[string]bool) {
	at := []any{c.index}
	if strings.TrimSpace(c.Code) == "" {
		c.Problem("code", "a code is needed")
	}
	if !slices.Contains(schemes, c.Scheme) {
		c.Problem("scheme", "scheme %q; allowed: %s", c.Scheme, strings.Join(schemes, " "))
	}
	if !slices.Contains(bys, c.By) {
		c.Problem("by", "by %q; allowed: %s", c.By, strings.Join(bys, " "))
	}
	if !slices.Contains(rescans, c.Rescan) {
		c.Problem("rescan", "rescan %q; allowed: %v", c.Rescan, rescans)
	}
	c.doc.CheckText(c.Meaning, c.index, "meaning")
	c.doc.CheckText(c.Action, c.index, "action")
	checkSources(c.doc, c.Source, sources, at...)
}

func (c *Codes) add(code *Code, byText map[string]*Code) {
	key := symbol(code.Code)
	if strings.ContainsFunc(code.Code, unicode.IsLetter) && len(key) > 2 {
		c.symbols[key] = code
		for _, k := range []string{strings.TrimPrefix(key, "ACQ"), "AOP" + key} {
			if _, taken := c.symbols[k]; !taken && k != key {
				c.symbols[k] = code
			}
		}
		c.maxWords = max(c.maxWords, 1+strings.Count(code.Code, "_")+strings.Count(code.Code, "."))
	} else if _, taken := c.numbers[key]; !taken {
		c.numbers[key] = code
	}
	for _, text := range code.Texts {
		k := bare(text)
		if len([]rune(k)) < 3 {
			code.Problem("texts", "%q is too short to be recognised inside a sentence", text)
			continue
		}
		if other := byText[k]; other != nil {
			code.Problem("texts", "%q stands under %s too", text, other.ID())
			continue
		}
		byText[k] = code
		c.texts = append(c.texts, screenText{k, code})
	}
}

// maxFind is how much of a message is searched for codes, in bytes.
const maxFind = 8 << 10

// Find returns the codes that a message names, each once: screen texts first,
// since one code of WeChat Pay stands for several texts that ask for different
// things, then codes, each in the order of the message. A bare number counts
// only where a code is expected or a word such as 错误码 says so: 「买了51个」
// names none.
func (c *Codes) Find(message string, expected bool) []Found {
	if len(message) > maxFind {
		message = message[:maxFind]
	}
	text := fold(message)
	inOrder := func(found []Found) []Found {
		slices.SortStableFunc(found, func(a, b Found) int { return cmp.Compare(a.at, b.at) })
		return found
	}
	named := append(c.findSymbols(text, message == strings.ToUpper(message)), c.findNumbers(text, expected)...)
	var once []Found
	for _, f := range append(inOrder(c.findTexts(text)), inOrder(named)...) {
		if !slices.ContainsFunc(once, func(o Found) bool { return o.Code == f.Code }) {
			once = append(once, f)
		}
	}
	return once
}

var word = regexp.MustCompile(`[a-z][a-z0-9]*(?:[_.][a-z0-9]+)*`)

// findSymbols finds codes made of words. Words that are set apart by blanks
// are joined only in a message in capitals: "auth code invalid" may be prose.
func (c *Codes) findSymbols(text string, capitals bool) []Found {
	var found []Found
	words := word.FindAllStringIndex(text, -1)
	for i := range words {
		for n := 1; n <= c.maxWords && i+n <= len(words); n++ {
			if n > 1 && (!capitals || strings.Trim(text[words[i+n-2][1]:words[i+n-1][0]], " ") != "") {
				break
			}
			part := text[words[i][0]:words[i+n-1][1]]
			if code, ok := c.symbols[symbol(part)]; ok {
				found = append(found, Found{code, part, words[i][0]})
			}
		}
	}
	return found
}

var (
	number = regexp.MustCompile(`[a-z]?\d{1,5}|\bot\b`)
	// cue stands before a code. Of what a bare number may be, none but a code
	// follows it; "出" and "跳" alone are followed by amounts as well, so that
	// passing needs something after the number that no amount has.
	cue     = regexp.MustCompile(`(?:错误码|错误代码|返回码|应答码|响应码|代码|错误|报错|报|返回|提示|显示|跳|出|码|code|error|err|response|shows?|says?)[\s:：#是为"“「(（]*$`)
	passing = regexp.MustCompile(`(?:(?:显示|提示|跳|蹦|弹|冒|出|报|返回)(?:出来|出现|出|来|现|给我|我|了|着|的|是|就|一?个|一串|数字|[\s:："“「])+` +
		`|(?:屏幕|屏|机器|机子|pos机?)(?:上面|上|里)?(?:显示|写|打|出现|就|只|说|是|有|着|了|的|一?个|\s)+` +
		`|\b(?:shows?|showing|says?|saying|displays?|displaying|reads|gives?|gave|throws?|got|getting|get|(?:comes?|came|pops?|coming) (?:up|back))(?: (?:up|out|with|me|us|just|only|number|like|is|a|an|the))+[\s:"]*` +
		`|\b(?:showing|saying|displays?|displaying)[\s:"]+)$`)
	spoken = regexp.MustCompile(`^(?:号|的)?["”」)）]?\s*(?:$|[,.;!?，。；！？、~…]|[这那是啥咋呢吧啊呀又就不了]|什么|怎么|然后|收|付|扫|错|码|代码|提示|\b(?:on|when|what|why|every|each|again|error|code|and|then|now|but|all|only|after|whenever|means?|is)\b)`)
	counts = regexp.MustCompile(`^\s*(?:元|块|圆|%|个|分|点|号|岁|秒|天|次|单|笔|年|月|日|台|位|人|桌|份|斤|公里|km|yuan|rmb|times|min|sec|hour|day|people|customers|bucks|pm\b|am\b)`)
)

func (c *Codes) findNumbers(text string, expected bool) []Found {
	var found []Found
	whole := strings.Trim(text, " .。!！?？,，:：\"'“”「」")
	for _, at := range number.FindAllStringIndex(text, -1) {
		part := text[at[0]:at[1]]
		code, ok := c.numbers[strings.ToUpper(part)]
		if !ok || glued(text, at[0], at[1]) || counts.MatchString(text[at[1]:]) {
			continue
		}
		before := text[max(0, at[0]-30):at[0]]
		if cue.MatchString(before) || passing.MatchString(before) && spoken.MatchString(text[at[1]:]) || expected && (part == whole || len([]rune(whole)) <= 16) || c.follows(code, text[at[1]:]) {
			found = append(found, Found{code, part, at[0]})
		}
	}
	return found
}

// glued reports whether a number is part of a longer word or number.
func glued(text string, start, end int) bool {
	alnum := func(b byte) bool { return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b == '.' || b == '_' }
	return start > 0 && alnum(text[start-1]) || end < len(text) && alnum(text[end]) && !(text[end] == '.' && (end+1 == len(text) || !alnum(text[end+1])))
}

// follows reports whether one of the code's own texts comes next.
func (c *Codes) follows(code *Code, rest string) bool {
	rest = bare(rest[:min(len(rest), 60)])
	return slices.ContainsFunc(code.Texts, func(t string) bool { return strings.HasPrefix(rest, bare(t)) })
}

func (c *Codes) findTexts(text string) []Found {
	stripped := bare(text)
	var found []Found
	for _, t := range c.texts {
		if i := strings.Index(stripped, t.text); i >= 0 {
			inside := slices.ContainsFunc(found, func(f Found) bool { return strings.Contains(f.Text, t.text) })
			if !inside {
				found = append(found, Found{t.code, t.text, i})
			}
		}
	}
	return found
}

// fold makes width, case and script one.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return hanzi.Simplify(unicode.ToLower(r))
	}, norm.NFKC.String(strings.ToValidUTF8(s, " ")))
}

// bare keeps the letters, digits and Han characters of a folded text.
func bare(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, fold(s))
}

// symbol keeps letters and digits, in capitals.
func symbol(s string) string { return strings.ToUpper(bare(s)) }
