package intents_test

import (
	"testing"

	"tilldesk/bot/trial"
)

func TestHelpIsAskedForAndNothingElse(t *testing.T) {
	e := trial.Knowledge(t).Engine
	for text, want := range map[string]bool{
		"帮助": true, "你好，请问你能帮我什么呀": true, "幫幫我": true, "HELP!!": true, "hi, what can you do?": true, "怎么用": true, "menu": true,
		"你好": false, "谢谢": false, "": false, "？": false, "please": false,
		"花呗帮我看看": false, "打印机怎么用": false, "help with huabei": false, "payment problem": false, "你能帮我退款吗": false, "没问题": false,
	} {
		if got := e.Help(text); got != want {
			t.Errorf("Help(%q) = %v, want %v", text, got, want)
		}
	}
}
