package intents_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"tilldesk/content/source"
	"tilldesk/intents"
)

func TestNormalise(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"width and case", "ＰＯＳ机 Alipay１２", "pos机 alipay12"},
		{"script", "掃碼機沒反應", "扫码机没反应"},
		{"repeated letters", "急急急急急急 heeeeelp!!!!!!", "急急急 heeelp!!!"},
		{"digits keep", "100000元", "100000元"},
		{"invisible", "花\u200b呗\u202e扫\u00ad不了\ufe0f", "花呗扫不了"},
		{"white space", "  a \t\n b  ", "a b"},
		{"not UTF-8", "abc\xff\xfedef", "abc def"},
		{"apostrophes", "doesn’t", "doesn't"},
		{"NUL", "a\x00b", "ab"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := intents.Normalise(tt.in); got != tt.want {
				t.Errorf("Normalise(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestLanguage(t *testing.T) {
	for _, tt := range []struct {
		in   string
		lang source.Lang
		hant bool
		ok   bool
	}{
		{"花呗扫不了", source.Zh, false, true},
		{"機器冇反應", source.Zh, true, true},
		{"POS 又 offline 了", source.Zh, false, true},
		{"huabei 付不了 其他都 ok", source.Zh, false, true},
		{"花呗 payment is failing but the normal alipay balance is fine", source.En, false, true},
		{"no signal", source.En, false, true},
		{"51", source.Zh, false, false},
		{"👍👍", source.Zh, false, false},
	} {
		lang, hant, ok := intents.Language(tt.in)
		if lang != tt.lang || hant != tt.hant || ok != tt.ok {
			t.Errorf("Language(%q) = %s, %v, %v; want %s, %v, %v", tt.in, lang, hant, ok, tt.lang, tt.hant, tt.ok)
		}
	}
}

func TestPinyinIsChinese(t *testing.T) {
	e, err := intents.NewEngine(t.Context(), &intents.Set{
		Examples: []intents.Example{{Text: "a", Intent: "x"}, {Text: "b", Intent: "y"}},
		Acts:     []intents.ActExample{{Text: "yes", Act: intents.ActYes}, {Text: "no", Act: intents.ActNo}},
		Lexicon:  &intents.Lexicon{Same: map[string]string{"huabei": "花呗", "saoma": "扫码", "mei fanying": "没反应"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]source.Lang{
		"saoma mei fanying":                source.Zh,
		"customers cannot pay with Huabei": source.En,
		"Huabei payments fail":             source.En,
		"huabei":                           source.En,
	} {
		if got := e.Match(text).Lang; got != want {
			t.Errorf("%q is read as %s, want %s", text, got, want)
		}
	}
}

func FuzzNormalise(f *testing.F) {
	for _, seed := range []string{"", "花呗", "ＰＯＳ", "\xff", "a\u200bb", strings.Repeat("好", 3000)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := intents.Normalise(s)
		if !utf8.ValidString(got) {
			t.Fatalf("Normalise(%q) is not UTF-8", s)
		}
		if utf8.RuneCountInString(got) > 2000 {
			t.Fatalf("Normalise kept %d characters", utf8.RuneCountInString(got))
		}
		intents.Key(s)
		intents.Language(s)
	})
}
