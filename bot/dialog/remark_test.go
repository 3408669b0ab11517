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
		"等了十分钟了": "", "等一下，好了": "", "有人动过": "", "等会儿还是不行": "", "一会儿亮一会儿灭": "", "我看不到": "", "好": "", "还没": "", "客人走了": "", "有": "", "我试了": "done",
		"等下，机器自己关机了": "", "忙音": "", "现金": "", "没收到钱": "", "来人": "",
		"hang on": "wait", "hang on, customer": "wait", "one sec": "wait", "ok wait": "wait", "brb": "wait", "give me a minute, queue": "wait", "let me check": "wait", "it's restarting": "doing", "hasn't been a minute yet": "wait", "still waiting": "doing",
		"wait, it works now": "", "no wait, yes": "", "waited a minute": "", "hang on, her money is gone": "", "this can wait": "", "no": "", "yes": "", "customer": "", "still": "", "not yet": "", "it's off": "", "restarted": "done", "is it still loading?": "", "going to go": "",
		"收款有问题": "vague", "机器出问题了": "vague", "payment problem": "vague", "I have a problem": "", "there is an issue with alipay": "",
		"收不了钱了咋整": "vague", "we can't take payments": "vague", "收不了支付宝的钱": "", "收不到货款": "",
		"客人都走光了": "vent", "排队呢": "vent", "im losing customers": "vent", "there is a huge queue": "vent", "customers cannot pay": "", "the queue is over": "",
		"他刷卡付了": "elsewhere", "顾客付了现金": "elsewhere", "ok he paid with card": "elsewhere", "he paid with wechat but no money": "", "刷卡付不了": "", "他付了": "",
		"登不进去": "login", "操作员登不进去，提示密码错误": "login", "密码忘了": "login", "I cant log in": "login", "forgot the operator password": "login",
		"顾客支付密码忘了": "", "签到失败": "", "wifi登录不了": "", "客人输错密码": "", "sign in failed": "",
		"付没付不知道": "not known", "不知道钱扣没扣": "not known", "dunno if paid": "not known", "not sure whether it went through": "not known", "不知道怎么付": "", "I don't know how to charge": "", "不知道开没开": "",
		"按了没反应": "in vain", "重启了还是一样": "in vain", "擦过了，没用": "in vain", "pressed it, nothing happens": "in vain", "I restarted it but still the same": "in vain",
		"重启了": "done", "ok restarted": "done", "换了个插座": "", "moved it closer": "done", "它自己重启了": "", "keeps restarting": "", "按键没反应": "", "屏幕没反应": "", "充不进电": "",
		"网络有问题": "", "打印机出问题了": "",
	} {
		if got := dialog.RemarkOf(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}
