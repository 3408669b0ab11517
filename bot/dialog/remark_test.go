package dialog_test

import (
	"testing"

	"tilldesk/bot/dialog"
)

// What is said by the way is the whole of a message; the same words beside
// something else are left to what that is.
func TestRemark(t *testing.T) {
	for text, want := range map[string]string{
		"烦死了": "vent", "唉，真服了": "vent", "我要疯了": "vent", "气死我了！": "vent", "什么破机器": "vent",
		"烦死了，支付宝也扫不了": "", "机器要死了": "", "太好了": "", "我的": "", "屏幕花了": "",
		"this is driving me nuts": "vent", "ugh": "vent", "oh my god, this is so annoying": "vent", "for god's sake": "vent",
		"this is it": "", "ugh it says timeout": "", "it is": "", "so?": "", "i am": "",
		"你是不是机器人": "bot", "你是真人吗？": "bot", "您是机器人还是真人": "bot", "喂，你是人吗": "bot",
		"不要机器人，我要真人": "", "你是不是有病": "", "机器人坏了": "",
		"are you a bot?": "bot", "am I talking to a real person": "bot", "is this a machine or a human": "bot", "r u a bot": "bot",
		"I want a real person": "", "is this a machine problem": "", "are you sure": "",
		"为什么": "why", "为啥要这样做？": "why", "why?": "why", "why do I have to do that": "why",
		"为什么扣我钱": "", "why was I charged": "",
		"要多久啊": "long", "这个要弄多久": "long", "how long will this take?": "long", "how much longer": "long", "is it gonna take long": "long", "要很久吗": "long",
		"到账要多久": "", "how long until the money arrives": "",
		"等下": "wait", "等下，有人结账": "wait", "稍等哈我先招呼客人": "wait", "1分钟": "wait", "我看看": "wait", "在重启了，马上": "wait", "还没到一分钟": "doing", "在重启": "doing", "好的等等": "wait",
		"等了十分钟了": "", "等一下，好了": "", "有人动过": "", "等会儿还是不行": "", "一会儿亮一会儿灭": "", "我看不到": "", "好": "", "还没": "", "客人走了": "", "有": "", "我试了": "",
		"等下，机器自己关机了": "", "忙音": "", "现金": "", "没收到钱": "", "来人": "",
		"hang on": "wait", "hang on, customer": "wait", "one sec": "wait", "ok wait": "wait", "brb": "wait", "give me a minute, queue": "wait", "let me check": "wait", "it's restarting": "doing", "hasn't been a minute yet": "wait", "still waiting": "doing",
		"wait, it works now": "", "no wait, yes": "", "waited a minute": "", "hang on, her money is gone": "", "this can wait": "", "no": "", "yes": "", "customer": "", "still": "", "not yet": "", "it's off": "", "restarted": "", "is it still loading?": "", "going to go": "",
		"收款有问题": "vague", "机器出问题了": "vague", "payment problem": "vague", "I have a problem": "", "there is an issue with alipay": "",
		"网络有问题": "", "打印机出问题了": "",
	} {
		if got := dialog.RemarkOf(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}
