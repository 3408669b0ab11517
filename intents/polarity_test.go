package intents

import "testing"

// What a plain statement answers depends on what was asked.
func TestStated(t *testing.T) {
	for _, tt := range []struct {
		question, answer string
		want             Act // "" where the answer does not say it so plainly
	}{
		{"换一种钱包，能收到款吗？", "都不行", ActNo},
		{"换一种钱包，能收到款吗？", "云闪付就好好的", ActYes},
		{"换一种钱包，能收到款吗？", "没试", ""},
		{"换另一位顾客的手机来付，也是同样的情况吗？", "都不行", ActYes},
		{"换另一位顾客的手机来付，也是同样的情况吗？", "谁来都一样", ActYes},
		{"换另一位顾客的手机来付，也是同样的情况吗？", "不一样", ""},
		{"换另一位顾客的手机来付，也是同样的情况吗？", "别人就能付", ActNo},
		{"旁边的店现在也收不了吗？", "人家正常得很", ActNo},
		{"旁边的店现在也收不了吗？", "不正常", ""},
		{"扫描窗里的红灯亮着吗？", "灭的", ActNo},
		{"扫描窗里的红灯亮着吗？", "一闪一闪", ActYes},
		{"扫描窗里的红灯亮着吗？", "一会儿亮一会儿灭", ""},
		{"机器插着电源吗？", "线拔了", ActNo},
		{"Is the terminal plugged in?", "unplugged", ActNo},
		{"Is the terminal plugged in?", "it's connected", ActYes},
		{"Is the light in the scan window on?", "no idea", ""},
		{"屏幕上有提示吗？", "都不行", ""}, // neither works nor fails was asked
		{"Does another wallet go through?", "they all fail", ActNo},
		{"Does another wallet go through?", "alipay works", ActYes},
		{"Is it the same with another customer's phone?", "same", ActYes},
		{"Is it the same with another customer's phone?", "the next one went through", ActNo},
		{"Is it the same with another customer's phone?", "not the same", ""},
		{"屏幕是全黑、一点光都没有吗？", "漆黑一片", ActYes},
		{"屏幕是全黑、一点光都没有吗？", "能看到字，很暗", ActNo},
		{"屏幕是全黑、一点光都没有吗？", "不是全黑", ActNo},
		{"机器上方的信号格或 Wi-Fi 图标正常吗？", "有个叉", ActNo},
		{"Is the screen completely black, without any light?", "pitch black", ActYes},
		{"Is the screen completely black, without any light?", "not completely", ActNo},
		{"Does the signal or Wi-Fi icon look normal?", "greyed out", ActNo},
		{"Does the signal or Wi-Fi icon look normal?", "no problem with it", ActYes},
		{"换另一位顾客的手机来付，也是同样的情况吗？", "就那位阿姨的不行", ActNo},
		{"换另一位顾客的手机来付，也是同样的情况吗？", "就是不行", ActYes},
		{"Is it the same with another customer's phone?", "only that guy", ActNo},
		{"玻璃裂了、划花了，或者里面有水汽吗？", "好好的，新的", ActNo},
		{"玻璃裂了、划花了，或者里面有水汽吗？", "没裂", ActNo},
		{"玻璃裂了、划花了，或者里面有水汽吗？", "有道印子", ActYes},
		{"玻璃裂了、划花了，或者里面有水汽吗？", "不太干净", ActYes},
		{"机身鼓起来了、烫手、有怪味，或者进过水吗？", "没有，都正常", ActNo},
		{"机身鼓起来了、烫手、有怪味，或者进过水吗？", "有点烫，别的正常", ""},
		{"Is the terminal bulging, hot, smelling odd, or has it been wet?", "all fine", ActNo},
		{"Is the terminal bulging, hot, smelling odd, or has it been wet?", "no smell or heat", ActNo},
		{"Is the terminal bulging, hot, smelling odd, or has it been wet?", "a bit warm", ActYes},
		{"机器“嘀”一声或者跳出新画面吗？", "没看见有光", ActNo},
		{"机器“嘀”一声或者跳出新画面吗？", "叫了一下", ActYes},
		{"机器“嘀”一声或者跳出新画面吗？", "没响，屏幕跳了", ""},
		{"Does the terminal beep or show a new page?", "not a peep", ActNo},
		{"Does the terminal beep or show a new page?", "it chirps", ActYes},
		{"别的顾客能付吗？", "就他一个不行", ActYes},
		{"别的顾客能付吗？", "一个都付不了", ActNo},
		{"花呗能付吗？", "就他一个不行", ActNo},
		{"Do other customers get through?", "only this one fails", ActYes},
		{"Do other customers get through?", "nobody can pay", ActNo},
		{"Do other customers get through?", "same for everyone", ActNo},
		{"顾客手机上显示付款成功了吗？", "还停在输密码", ActNo},
		{"顾客手机上显示付款成功了吗？", "他付完了", ActYes},
		{"别的顾客能付吗？", "人家都付得了", ActYes},
		{"Do other customers get through?", "everyone gets the same", ActNo},
		{"Do other customers get through?", "all except him", ActYes},
		{"Does another wallet work?", "tried alipay too, no", ActNo},
		{"Does another wallet work?", "just not huabei", ActYes},
		{"Does another wallet work?", "unionpay was accepted", ActYes},
		{"Is the scan window dirty?", "fingerprints everywhere", ActYes},
		{"镜头脏吗？", "没灰", ActNo},
		{"镜头脏吗？", "都是指印", ActYes},
		{"机器有“嘀”一声吗？", "听不到", ActNo},
		{"Does the terminal beep?", "loud and clear", ActYes},
		{"里面还有纸吗？", "用完了", ActNo},
		{"里面还有纸吗？", "还剩小半卷", ActYes},
		{"Is there paper left?", "just the core", ActNo},
		{"Is there paper left?", "plenty", ActYes},
		{"顾客手机上显示已经付款了吗？", "交易关闭了", ActNo},
		{"顾客手机上显示已经付款了吗？", "说失败，但是扣了钱", ActYes},
		{"顾客手机上显示已经付款了吗？", "失败，不过短信来了", ""},
		{"顾客手机上显示已经付款了吗？", "没扣钱", ""},
		{"Does the customer's phone say the money was paid?", "it failed", ActNo},
		{"Does the customer's phone say the money was paid?", "it failed but he was charged", ActYes},
		{"Does the customer's phone say the money was paid?", "not charged", ""},
		{"机器刚升级、换过配件或搬过地方吗？", "从来没人碰过", ActNo},
		{"机器刚升级、换过配件或搬过地方吗？", "上周搬了店", ActYes},
		{"Was the terminal updated, repaired or moved just before this began?", "same as always", ActNo},
		{"Was the terminal updated, repaired or moved just before this began?", "it updated itself", ActYes},
		{"到账播报没有声音了吗？", "一点声都没有", ActYes},
		{"到账播报没有声音了吗？", "有声音的", ActNo},
		{"Has the voice that announces payments gone silent?", "no voice since this morning", ActYes},
		{"Has the voice that announces payments gone silent?", "it still says the amount, no problem", ActNo},
		{"Has the voice that announces payments gone silent?", "stopped talking", ActYes},
		{"到账播报没有声音了吗？", "没在播了", ActYes},
		{"到账播报没有声音了吗？", "还在播", ActNo},
		{"Is the entry you need missing from the menu altogether?", "not there", ActYes},
		{"Is the entry you need missing from the menu altogether?", "found it", ActNo},
		{"After you press \"scan\", does a light come on at the scan window?", "stays dark", ActNo},
		{"After you press \"scan\", does a light come on at the scan window?", "i see red light", ActYes},
		{"Does the terminal beep or show a message?", "tried with noodles, nothing", ActNo},
		// "on the same" tells which, not that it fails there as well.
		{"Does another wallet work on the same terminal?", "just took a payment with alipay, fine", ActYes},
		{"With the same customer, does Alipay go through?", "works", ActYes},
		{"Is it the same with another customer's phone?", "works fine with hers", ActNo},
	} {
		if got := stated(Normalise(tt.answer), AskedIn(tt.question)); got != tt.want {
			t.Errorf("%q to %q says %q, want %q", tt.answer, tt.question, got, tt.want)
		}
	}
}

// A question after an action asks for its result; one after something to compare
// with does not.
func TestAskedBy(t *testing.T) {
	for question, want := range map[string]Asked{
		"擦一下扫描窗，能扫了吗？":                                                                                           AskedResult,
		"把亮度调到最高，扫得到吗？":                                                                                          AskedResult,
		"换另一台手机，现在好了吗？":                                                                                          AskedResult,
		"请顾客刷新付款码，再扫一次。":                                                                                         AskedResult,
		"对准码的时候，机器“嘀”一声或者跳出新画面吗？":                                                                                AskedReacts,
		"先确认一件事：顾客手机上显示已经付款了吗？":                                                                                  AskedPaid,
		"后盖鼓起来、烫手，或者进过水吗？":                                                                                       AskedHarm,
		"换一种钱包（比如微信换支付宝），能收到款吗？":                                                                                 AskedWorks,
		"打开纸仓看一眼，里面还有纸吗？":                                                                                        AskedThere,
		"Does another payment code go through?":                                                                  AskedOther,
		"Can a different card be read?":                                                                          AskedOther,
		"Try another code. Does it go through now?":                                                              AskedResult,
		"Wipe the window. Does it scan?":                                                                         AskedResult,
		"Restart it, does that help?":                                                                            AskedResult,
		"Try mobile data instead. Any better now?":                                                               AskedResult,
		"现在可以了吗？":                                                                                                AskedResult,
		"把插头插紧，充上电了吗？":                                                                                           AskedResult,
		"重启以后能收款吗？":                                                                                              AskedResult,
		"再扫一次，还报错吗？":                                                                                             AskedStill,
		"屏幕还是黑的吗？":                                                                                               AskedStill,
		"换另一位顾客，还是不行吗？":                                                                                          AskedFails,
		"是不是只有花呗付不了？":                                                                                            AskedCheck,
		"机器刚升级、换过配件或搬过地方吗？":                                                                                      AskedChange,
		"官方 App 里，有维护或故障的通知吗？":                                                                                   AskedCheck,
		"您要弄的是声音吗？":                                                                                              AskedCheck,
		"Is the screen still dark?":                                                                              AskedStill,
		"Restart it. Did the error go away?":                                                                     AskedResult,
		"Try again. Any luck?":                                                                                   AskedResult,
		"After the restart, is the screen normal?":                                                               AskedResult,
		"换个网，通了没？":                                                                                               AskedResult,
		"调亮以后扫得到吗？":                                                                                              AskedResult,
		"重启一下，行不行？":                                                                                              AskedResult,
		"这样做以后问题解决了吗？":                                                                                           AskedResult,
		"顾客的手机上显示付款成功了吗？":                                                                                        AskedPaid,
		"Is it only Huabei that fails?":                                                                          AskedCheck,
		"Do you scan the code of the customer?":                                                                  AskedCheck,
		"Does another wallet go through, say Alipay?":                                                            AskedOther,
		"Do the shops next door have the same trouble right now?":                                                AskedFails,
		"Does the payment app close by itself or stand still?":                                                   AskedCheck,
		"When you hold the code in front of it, does it beep?":                                                   AskedReacts,
		"Does it run while plugged in, but die soon after you unplug it?":                                        AskedCheck,
		"Is there a message or an error code on the screen? If so, please type it to me as it stands.":           AskedCheck,
		"屏幕上有没有提示文字或错误码？有的话请原样打给我。":                                                                              AskedCheck,
		"Plug in its own charger. Does the charging light or symbol come on?":                                    AskedReacts,
		"With the same customer, does Alipay go through with balance or a bank card?":                            AskedWorks,
		"手机关掉流量、连同一个 Wi-Fi，能打开网页吗？":                                                                              AskedWorks,
		"Is the rate on your statement the same as in your contract or under rates in the merchant app?":         AskedCheck,
		"Did somebody call or message you to pay this by a code or a transfer?":                                  AskedCheck,
		"On the scan page, hold the bar code of any product in front: does the terminal beep or show a message?": AskedReacts,
		"After you wipe it, does it scan?":                                                                       AskedResult,
		"到账播报没有声音了吗？":                                                                                            AskedLost,
		"Has the voice that announces payments gone silent?":                                                     AskedLost,
	} {
		if got := AskedBy(question); got != want {
			t.Errorf("%q asks for %s, want %s", question, got, want)
		}
	}
}

// To "does it still fail?" a yes is bad news, and a no good.
func TestOfStill(t *testing.T) {
	for answer, want := range map[string]Act{
		"是的": ActNotFixed, "嗯，一样": ActNotFixed, "对，还是报错": ActNotFixed,
		"不报了": ActFixed, "没有了": ActFixed, "没再跳了": ActFixed, "不黑了，能看到字": ActFixed,
		"不行了": "", "没有变化": "", "还在报": "", "怎么看": "",
		"yes": ActNotFixed, "yep, as before": ActNotFixed,
		"no": ActFixed, "no, gone": ActFixed, "nope all fine": ActFixed, "not any more": ActFixed,
		"no, still the same": "", "where do I see that": "",
	} {
		if got := ofStill(Normalise(answer)); got != want {
			t.Errorf("%q to \"is it still so?\" says %q, want %q", answer, got, want)
		}
	}
}
