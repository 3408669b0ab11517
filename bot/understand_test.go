package bot_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"tilldesk/bot"
	"tilldesk/bot/dialog"
	"tilldesk/content/source"
	"tilldesk/intents"
	"tilldesk/kb"
)

// asked returns a state in which a step that suits has been asked.
func asked(t *testing.T, k *bot.Knowledge, suits func(dialog.Step) bool) dialog.State {
	t.Helper()
	for _, intent := range k.Script.Symptoms() {
		for _, step := range k.Script.Playbook(intent).Steps {
			if suits(step) {
				return dialog.State{Lang: source.Zh, Phase: dialog.Guiding, Fix: &dialog.Fixing{Intent: intent, Step: step.ID}}
			}
		}
	}
	t.Fatal("no playbook has such a step")
	return dialog.State{}
}

func question(s dialog.Step) bool   { return s.Kind == dialog.Check && s.Expects == "" }
func screenText(s dialog.Step) bool { return s.Expects == "text" }

func understand(t *testing.T, k *bot.Knowledge, st dialog.State, m bot.Message) dialog.Input {
	t.Helper()
	in, failed := k.Understand(t.Context(), st, m)
	again, failedToo := k.Understand(t.Context(), st, m)
	diff := cmp.Diff(in.Guesses, again.Guesses) + cmp.Diff(passages(in), passages(again))
	if err := errors.Join(failed(), failedToo()); err != nil {
		t.Fatal(err)
	}
	if diff != "" || in.Act != again.Act {
		t.Errorf("%q is understood otherwise the second time", m.Text)
	}
	return in
}

// passages are those of an input that has some, or asks for none.
func passages(in dialog.Input) []kb.Hit {
	if in.Passages == nil {
		return nil
	}
	return in.Passages()
}

// TestHiddenNumbers compares a number that is hidden here, as in the terminal,
// with one that was hidden before it was stored, as in the service.
func TestHiddenNumbers(t *testing.T) {
	k := learn(t)
	for _, tt := range []struct {
		name, text string
		warned     bool
		readable   bool
	}{
		{"a phone alone", "13812345678", true, false},
		{"a card with words", "花呗扫不了，卡号4111111111111111", true, true},
		{"two numbers in two lines", "4111111111111111\n13812345678", true, false},
		{"a merchant number alone", "822290059430000", false, true},
		{"an error code", "51", false, true},
		{"no number", "花呗扫不了", false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			masked, found := intents.Mask(tt.text)
			stored := bot.Message{Text: masked}
			for _, s := range found {
				if s.Kind != intents.MerchantNo {
					stored.Secrets = append(stored.Secrets, s.Kind)
				}
			}
			for where, m := range map[string]bot.Message{"terminal": {Text: tt.text}, "service": stored} {
				if in := understand(t, k, dialog.State{}, m); in.Empty == tt.readable || in.Text != masked {
					t.Errorf("%s: read %q, empty %v; want %q, %v", where, in.Text, in.Empty, masked, !tt.readable)
				}
				out, err := k.Turn(t.Context(), dialog.State{}, m)
				if err != nil {
					t.Fatal(err)
				}
				if len(out.Say) == 0 {
					t.Fatalf("%s: nothing is said", where)
				}
				if warned := out.Say[0].Key == "secret"; warned != tt.warned {
					t.Errorf("%s: first comes %s; warned %v, want %v", where, out.Say[0].Key, warned, tt.warned)
				}
				if !tt.readable && len(out.Say) > 1 {
					t.Errorf("%s: something is said to a number that was hidden: %s", where, out.Say[1].Key)
				}
			}
		})
	}
}

func TestCodesWhereTheyAreExpected(t *testing.T) {
	k := learn(t)
	for _, tt := range []struct {
		name string
		st   dialog.State
		text string
		want string
	}{
		{"nothing asked", dialog.State{}, "51", ""},
		{"the screen's words asked", asked(t, k, screenText), "51", "pos/51"},
		{"the screen's words asked, a sentence", asked(t, k, screenText), "显示的是51", "pos/51"},
		{"something else asked", asked(t, k, question), "51", "pos/51"},
		{"something else asked, a sentence", asked(t, k, question), "等了51分钟", ""},
		{"named as a code", dialog.State{}, "错误码51", "pos/51"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if in := understand(t, k, tt.st, bot.Message{Text: tt.text}); len(in.Codes) > 0 {
				got = in.Codes[0].Code.ID()
			}
			if got != tt.want {
				t.Errorf("%q names %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}

func TestWhatWasUnclearCountsWithWhatIsAdded(t *testing.T) {
	k := learn(t)
	const unclear, added, sure = "收款不行", "每个客人都这样", "花呗扫不了"
	st := dialog.State{Lang: source.Zh, Phase: dialog.Clarifying, Unclear: unclear}
	if alone := k.Engine.Match(added); alone.Decision == intents.Answer {
		t.Fatalf("%q is clear by itself; choose another message for this test", added)
	}
	for _, tt := range []struct {
		text, reads string
		st          dialog.State
	}{
		{added, unclear + "\n" + added, st},
		{added, added, dialog.State{Lang: source.Zh, Phase: dialog.Idle, Unclear: unclear}},
		{sure, sure, st},
	} {
		want := k.Engine.Match(tt.reads)
		in := understand(t, k, tt.st, bot.Message{Text: tt.text})
		if diff := cmp.Diff(want.Guesses, in.Guesses); diff != "" || in.Decision != want.Decision {
			t.Errorf("%q while %s: %s, not as %q (-want +got):\n%s", tt.text, tt.st.Phase, in.Decision, tt.reads, diff)
		}
		if in.Text != tt.text {
			t.Errorf("%q is kept as %q", tt.text, in.Text)
		}
	}
}

func TestEmoji(t *testing.T) {
	k := learn(t)
	for _, tt := range []struct {
		name string
		st   dialog.State
		text string
		act  intents.Act // "" if there is nothing to read
	}{
		{"a thumb up to a question", asked(t, k, question), "👍", intents.ActYes},
		{"several", asked(t, k, question), "👍👍👍", intents.ActYes},
		{"a thumb up to nothing", dialog.State{}, "👍", ""},
		{"a cat", asked(t, k, question), "🐈", ""},
		{"dots", asked(t, k, question), "。。。", ""},
		{"blanks", asked(t, k, question), " \u200b\u3000", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := understand(t, k, tt.st, bot.Message{Text: tt.text})
			if in.Empty != (tt.act == "") || tt.act != "" && in.Act != tt.act {
				t.Errorf("%q: empty %v, act %s with %.2f; want %q", tt.text, in.Empty, in.Act, in.ActScore, tt.act)
			}
			out, err := k.Turn(t.Context(), tt.st, bot.Message{Text: tt.text})
			if err != nil {
				t.Fatal(err)
			}
			if read := out.Reason != dialog.NothingToRead; read != (tt.act != "") {
				t.Errorf("%q led to %s", tt.text, out.Reason)
			}
		})
	}
}

func TestNothingIsSearchedInVain(t *testing.T) {
	k := learn(t)
	const text = "没网还能收款吗"
	if in := understand(t, k, dialog.State{}, bot.Message{Text: text}); len(passages(in)) == 0 {
		t.Errorf("nothing is found for %q", text)
	}
	for name, tt := range map[string]struct {
		st dialog.State
		m  bot.Message
	}{
		"a person has the case": {dialog.State{Phase: dialog.WithHuman}, bot.Message{Text: text}},
		"a choice is pressed":   {dialog.State{}, bot.Message{Text: text, Choice: "human"}},
	} {
		if in := understand(t, k, tt.st, tt.m); len(passages(in)) > 0 || in.Act != "" || in.Text != text {
			t.Errorf("%s: act %q and %d passages for %q", name, in.Act, len(passages(in)), in.Text)
		}
	}
	guided := asked(t, k, question)
	for _, tt := range []struct {
		st     dialog.State
		text   string
		search bool
	}{
		{dialog.State{}, "花呗扫不了", false},
		{dialog.State{}, "the printer does not print", false},
		{dialog.State{}, "转人工", false},
		{guided, "是的", false},
		{guided, "不清楚", false},
		{dialog.State{}, "怎么保养机器", true},
		{guided, "怎么保养机器", true},
	} {
		in, _ := k.Understand(t.Context(), tt.st, bot.Message{Text: tt.text})
		lookup, searched := in.Passages, false
		in.Passages = func() []kb.Hit { searched = true; return lookup() }
		if k.Script.Step(tt.st, in); searched != tt.search {
			t.Errorf("%q in phase %q is searched for: %v", tt.text, tt.st.Phase, searched)
		}
	}
}

func TestSearchThatFails(t *testing.T) {
	k := learn(t)
	ended, end := context.WithCancel(t.Context())
	end()
	if out, err := k.Turn(ended, dialog.State{}, bot.Message{Text: "怎么保养机器"}); !errors.Is(err, context.Canceled) || out.Say != nil {
		t.Errorf("a search that was cut off: %v, and the merchant is told %+v", err, out.Say)
	}
}

func TestSearchInTheLanguageOfTheConversation(t *testing.T) {
	k := learn(t)
	for _, tt := range []struct {
		st   dialog.State
		text string
		want source.Lang
	}{
		{dialog.State{}, "how long is a payment code valid", source.En},
		{dialog.State{Lang: source.En}, "付款码多久有效", source.Zh},
		{dialog.State{Lang: source.En}, "付款码多久有效 how long is it valid", source.Zh},
	} {
		hits, err := k.Search(t.Context(), tt.want, tt.text, 5)
		if err != nil || len(hits) == 0 {
			t.Fatalf("%q finds %v, %v", tt.text, hits, err)
		}
		in := understand(t, k, tt.st, bot.Message{Text: tt.text})
		if got := passages(in); len(got) == 0 || got[0].ID() != hits[0].ID() || got[0].Score != hits[0].Score {
			t.Errorf("%q after %q is not searched in %s", tt.text, tt.st.Lang, tt.want)
		}
	}
}

func TestAnyBytesAreUnderstood(t *testing.T) {
	k := learn(t)
	for _, text := range []string{"", "\x00", "\xff\xfe", strings.Repeat("花", 30_000), strings.Repeat("1 ", 10_000), strings.Repeat("_a", 10_000), "\u202e\u2066" + strings.Repeat("\u0301", 5000)} {
		for _, st := range []dialog.State{{}, asked(t, k, question), asked(t, k, screenText)} {
			if _, err := k.Turn(t.Context(), st, bot.Message{Text: text}); err != nil {
				t.Errorf("%.20q: %v", text, err)
			}
		}
	}
}

// Two troubles in one message are both heard; one trouble told in several
// breaths stays one.
func TestAlso(t *testing.T) {
	k := learn(t)
	for text, want := range map[string][]string{
		"花呗扫不了，打印机也不出纸了":                              {"scan.huabei", "device.printer"},
		"昨天的款没到，还有这个机器老自己关机":                          {"payment.settlement", "device.power"},
		"battery dies fast and one key is stuck":      {"device.power", "device.keys"},
		"花呗扫不了，支付宝也不行":                                nil,
		"打印机不出纸，不是网络的问题，网也好好的":                        nil,
		"huabei fails, wifi is fine and alipay works": nil,
	} {
		if got := understand(t, k, dialog.State{}, bot.Message{Text: text}).Also; !cmp.Equal(got, want) {
			t.Errorf("%q tells of %v, want %v", text, got, want)
		}
	}
}

// What a stranger writes is read to where the engine reads it, whatever looks at
// it besides: to part a long message takes a hundred times as long as to read one.
func TestOnlyTheBeginningIsUnderstood(t *testing.T) {
	k := learn(t)
	out, err := k.Turn(t.Context(), dialog.State{}, bot.Message{Text: "花呗扫不了"})
	if err != nil {
		t.Fatal(err)
	}
	const told = "还有打印机没纸了，"
	for _, tt := range []struct {
		name, text string
		more       bool
	}{
		{"at the beginning", told + strings.Repeat("很", intents.MaxRunes), true},
		{"after what is read", strings.Repeat("很", intents.MaxRunes) + "，" + told, false},
	} {
		in, _ := k.Understand(t.Context(), out.State, bot.Message{Text: tt.text})
		if n := utf8.RuneCountInString(in.Text); n > intents.MaxRunes {
			t.Errorf("%s: %d characters are understood", tt.name, n)
		}
		if more := len(in.More) > 0; more != tt.more {
			t.Errorf("%s: heard of another trouble: %v", tt.name, more)
		}
	}
}
