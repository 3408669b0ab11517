package bot_test

import (
	"testing"

	"tilldesk/bot"
	"tilldesk/bot/dialog"
	"tilldesk/bot/trial"
	"tilldesk/content"
	"tilldesk/intents"
)

// learn returns the knowledge of the built-in content; all tests share it.
func learn(tb testing.TB) *bot.Knowledge {
	tb.Helper()
	return trial.Knowledge(tb)
}

var messages = map[string]string{
	"zh short": "花呗扫不了",
	"zh story": "早上还好好的，中午来了个客人要用花呗，扫了三遍都说失败，换支付宝余额就行，机器是拉卡拉的，后面排了好长的队",
	"en short": "huabei does not work",
	"en story": "since i opened this morning the terminal beeps when i scan but then it says network error, the wifi in the shop is fine on my phone, customers are waiting",
}

// BenchmarkMatch is one message through mask, normalise, entities, classify
// and decide.
func BenchmarkMatch(b *testing.B) {
	k := learn(b)
	for name, text := range messages {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				k.Engine.Match(text)
			}
		})
	}
}

// BenchmarkTurn is one message through understanding, search and the step
// function.
func BenchmarkTurn(b *testing.B) {
	k := learn(b)
	for name, text := range messages {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := k.Turn(b.Context(), dialog.State{}, bot.Message{Text: text}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkLearn is what happens at start: content read and checked, engine
// trained, index built.
func BenchmarkLearn(b *testing.B) {
	for b.Loop() {
		c, err := content.Load(content.BuiltIn())
		if err != nil {
			b.Fatal(err)
		}
		k, err := bot.Learn(b.Context(), c.Intents, c.Base, c.Script)
		if err != nil {
			b.Fatal(err)
		}
		if err := k.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTrain is the engine's part of the start.
func BenchmarkTrain(b *testing.B) {
	c, err := content.Load(content.BuiltIn())
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := intents.NewEngine(b.Context(), c.Intents); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLoad is the reading and checking of the content at start.
func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := content.Load(content.BuiltIn()); err != nil {
			b.Fatal(err)
		}
	}
}
