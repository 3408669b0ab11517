package intents

import (
	"regexp"
	"strings"
)

// What a yes/no question may ask, where that decides what a plain statement
// answers: 「都不行」 is a no to "does another wallet work?" and a yes to "is it
// the same with another phone?".
const (
	AskedWorks Asked = "works" // whether something works
	AskedFails Asked = "fails" // whether something fails as well
	AskedOther Asked = "other" // whether it works for others: that one alone fails is a yes
	AskedOn    Asked = "on"    // whether something is lit, open, plugged in or connected
	AskedStill Asked = "still" // after a step, whether the trouble is still there: "yes" is bad news
)

// base returns the kind of question whose answers were learnt.
func (a Asked) base() Asked {
	switch a {
	case AskedWorks, AskedFails, AskedOther, AskedOn, AskedHarm, AskedReacts, AskedThere, AskedPaid, AskedChange, AskedLost:
		return AskedCheck
	case AskedStill:
		return AskedResult
	}
	return a
}

var (
	// asksStill asks for what should be gone: 「还报错吗」, "is the screen still black?".
	asksStill = regexp.MustCompile(`(?:还是?|仍然?|依然|依旧)(?:会|在|有|是|要)?(?:黑|白|卡|闪|花|烫|糊|断|掉|慢|转|响|叫|报|弹|跳|提示|显示|出现|出错|失败|超时|离线|这样|那样|一样|老样子|不[能行亮动响认读走出])[^,，。?？]{0,8}[吗嗎么没]|\bstill\b[^?]*\b(?:show\w*|say\w*|fail\w*|happen\w*|appear\w*|come up|there|black|dark|blank|frozen|stuck|offline|dead|slow|hot|the same|an? (?:error|message)|the (?:error|message)|not work\w*|flicker\w*|spin\w*|crash\w*|jam\w*|loading|refus\w*|time\w* out|get(?:ting)?|see(?:ing)?|have|having)\b`)

	saysYes = regexp.MustCompile(`^(?:是[的啊呀]?|对[的啊呀]?|嗯+|恩+|系[呀啊]?|係[呀啊]?|yes|yep|yeah|yup|ya|yea|it (?:is|does)|unfortunately|sadly)(?:$|[ ,.!，。！])`)
	saysNo  = regexp.MustCompile(`^(?:不是|没有?[了啊呀]?|不会?了|冇[咗啊]?|no|nope|nah|not (?:any ?more|any longer|now)|it (?:isn't|doesn't)|isn't|doesn't|gone)(?:$|[ ,.!，。！])|^(?:不|没再?|唔)[^行能灵成好中动认知晓清,，。还][^,，。还]{0,3}[了咗啦]|\b(?:no longer|any ?more|(?:is|are|has) gone|went away)\b`)
)

// ofStill reads an answer to whether the trouble is still there. It returns ""
// where it is not said in so many words.
func ofStill(normal string) Act {
	yes, no := saysYes.MatchString(normal), saysNo.MatchString(normal)
	fails := saysFails.MatchString(normal) || saysSame.MatchString(normal) || stillSo.MatchString(normal)
	switch {
	case yes == no, no && fails && !gone.MatchString(normal):
		return ""
	case yes:
		return ActNotFixed
	}
	return ActFixed
}

var (
	stillSo = regexp.MustCompile(`还[是在会有]|仍|依[旧然]|照样|\b(?:still|as before)\b`)
	gone    = regexp.MustCompile(`^不(?:[^行能灵成好中动认知晓清,，。][^,，。]{0,3})[了咗啦]|\b(?:no longer|any ?more|gone|went away)\b`)
)

var (
	asksFails = regexp.MustCompile(`(?i)全黑|一点光|completely (?:black|dark)|without any light|(?:也|还是|都|同样|仍然|照样)[^,，。?？]{0,6}(?:不|没反应|失败|这样|一样|同样|出现|出问题)|[扫付收刷用连]不[了上出进到][^,，。?？]{0,6}[吗嗎么]|\bthe same(?: (?:with|for|on|in|when|if|there|too|elsewhere|everywhere)\b|[?,.]|$)|\b(?:same (?:trouble|problem|thing)|fails?|failing|also (?:not|fail)|cannot|can't|don't work|doesn't work|have (?:it|the trouble) too)\b`)
	// asksApart sets one apart, so that others that work are a yes, or asks for
	// what the merchant does rather than whether it works.
	asksApart = regexp.MustCompile(`只有|就只|是不是就|单单|唯独|\b(?:only|just|do you|did (?:some|any)(?:body|one)|did the customer|the trouble come|pasted|but say)\b`)

	asksWorks = regexp.MustCompile(`(?i)能[^,，。?？“”"]{0,10}[吗嗎么]|(?:正常|好用|顺利|成功|可以|行得通|没问题)[^,，。?？]{0,3}[吗嗎么]|\b(?:do|does|can|did|will)\b[^?]*\b(?:work|go through|get through|went through|scan|pay|succeed|read|open|print|take|accept|receive|load|charge|connect|(?:switch|turn|come) on|log in|sign in)\b|\b(?:is|are|do|does)\b[^?]*\b(?:ok|okay|normal|fine|working)\b`)

	// asksOther is about another customer, phone or wallet than the one that fails.
	asksOther = regexp.MustCompile(`别的|其[他它]|另一?[位个部种]|别人|(?i)\b(?:other|another|different|else|next)\b`)

	asksOn  = regexp.MustCompile(`亮[着了的]?[吗嗎么]|亮不亮|有没有亮|[插连接开]着[^,，。?？]{0,4}[吗嗎么]|(?:接|通)[着了上]?(?:电源?|网)[了的]?[吗嗎么]|打开了?[吗嗎么]|\b(?:is|are)\b[^?]* (?:on(?: now| at all)?\?$|(?:lit|plugged in|connected|powered|open|enabled|switched on|turned on|blinking|glowing)\b[^?]*\?$)`)
	saysOff = regexp.MustCompile(`没有?[^,，。 ]{0,2}[灯光][^,，。 ]{0,2}|[啥什么]+都没有?|不亮|没亮|冇[亮著]|唔着|灭|没通?电|断电|没[插接连开]|没打开|拔[了掉着]|断[开了]|关[着了的]|未开|黑的|\b(?:off|dark|dead|nothing|unplugged|disconnected|unlit|closed|disabled|on (?:the )?battery|no (?:light|power|glow)|(?:not|isn't|ain't|never) (?:on|lit|plugged|connected|in|open|enabled|blinking|glowing))\b`)
	saysOn  = regexp.MustCompile(`亮|闪|有光|[红绿蓝]光|[红绿蓝]灯|[插接连开充]着|插[好紧]|接好|开的|\b(?:on|lit|glow\w*|blink\w*|flash\w*|plugged|connected|green|red|blue|open|enabled|ticked|in the (?:wall|socket))\b`)

	saysFails = regexp.MustCompile(`没有?一个(?:能|行|可以)[用收扫付]?|黑咕|乌漆|[啥么][都也]看不[见到]|失灵|按不动|有个?叉|个叉|转圈|一直转|歇菜|趴窝|[全都]跪|完蛋|打叉|[也全都]挂|全军覆没|待支付|未支付|没付[成上]|未成功|图标没了|红叉|叉叉|感叹号|灰色|断断续续|时有时无|无服务|漆黑|[全黑]黑|黑[的乎漆]|光都?没|没有?光|不亮|白搭|不行|不能[用收付扫成]|不能$|[扫付收刷用连打]不[了上出进成到开]|没反应|不认|失败|报错|出错|不好使|不成|不中|不灵|没用|挂了|都这样|\b(?:fails?|failed|(?:nobody|no ?one|none(?: of them)?)(?:$| (?:can|could|works?|gets?))|not work|(?:doesn't|don't|won't|didn't) (?:work|go|scan|pay|read)|cannot|dead|refused|declined|, no[.!]*$|nothing works|refuses?|rejected|bounces?|bounced|red x|cross|(?:not|n't) (?:one|a single)\b[^,.]*|(?:can't|cannot) see|black as|exclamation|(?:an?|red|little|small) x|no signal|no reception|no good|loading|spinning|comes and goes|! mark|failing|unpaid|not paid|gr[ea]y(?:ed)?(?: out)?|no bars?|no service|pitch black|(?:all|totally|completely|fully|quite) (?:dark|black)|no light)\b`)
	saysSame  = regexp.MustCompile(`一样|一个样|同样|都这样|也这样|照旧|\b(?:same|likewise|identical)\b`)
	// sameTrouble is the same again where it was asked whether something works.
	sameTrouble = regexp.MustCompile(`都一样|一样的?(?:毛病|问题|结果|[不扫付收报])|\bsame (?:story|problem|result|issue|thing|again|trouble|(?:for|with) (?:every\w+|all|both))\b`)
	saysWorks   = regexp.MustCompile(`能刷|刚收|背光|隐约|好得很|好得不得了|没得问题|[付宝信]过了|挺好|蛮好|照常|有[一点]{0,2}光|[有微]亮|亮着|[能可]以?看到|看得[见到]|正常|好好的|没问题|没毛病|没事|好使|能[用收付扫过成上]|可以|都行|[付扫刷收][得的][了上过]|就(?:行|好|过|成|能)|一下就|好的|顺利|\b(?:works?|working|fine|goes thr\w*|went (?:right |straight )?thr\w*|go thr\w*|no problem|no issue|normal|passes|passed|scans|all good|succeeds?|ok|okay|passed|accepted|worked|connected|full|went in|came in|normally|faint\w*|dim|backlight|make out|took one|it does|they do|no prob|good|glows?|can see|lit)\b`)
	// onlyThis sets apart the customer at the counter: others have no such trouble.
	onlyThis = regexp.MustCompile(`^(?:就|只有?|只是|单单?|仅)[^是这那]|^(?:only|just) (?:the |this |that |my |our |us|me|[a-z]+$|number )|(?:只有?|就|单单?|唯独)(?:[他她它这那][^,，。 是]{0,5}|一个)(?:不[行能好]|这样|有问题|出问题|[扫付刷]不)|\b(?:only|just|(?:all|every\w*|rest) (?:except|but|save)) (?:for )?(?:him|her|this (?:one|guy|customer|phone|person|lady|man|girl|woman)|that (?:one|guy|customer|\w+$))\b|\b(?:mine|my (?:own )?phone|others?|another|the next(?: one)?)\b[^,.]*\b(?:works?|can scan|can pay|fine|ok|okay|scans)\b`)
	// allBut says that it works for all the others.
	allBut = regexp.MustCompile(`除了[^,，。]{1,6}(?:都|全)|\b(?:all|every\w*|rest) (?:except|but|save)\b|^(?:just|only) not\b`)
	// notAll takes back that all is dark.
	notAll = regexp.MustCompile(`(?:不是?|没有?)(?:全|完全|漆)[黑暗]|\bnot (?:completely|totally|fully|quite|all|pitch)(?: (?:black|dark))?`)
	// untested says that there was nothing to try it with, or that nobody looked.
	untested = regexp.MustCompile(`没(?:有)?(?:去|换着?|再)?(?:试|问(?:$|[^题])|注意|留意|翻|查(?:$|[^到出着])|看过)|没法[试看问查]|没得试|(?:没有?|冇)(?:别的|其他|第二个|下一个)(?:的)?(?:顾客|客人|人|手机|钱包|店|客)|就一个钱包|只有一个钱包|就我们?一家|没开门|关着门|(?:顾客|客人|人|[他她])(?:都|已经|早|刚|就)?(?:走了|离开|不在了)|就(?:我们?|他|她|这)一[个位](?:人|客人?|顾客)?$|(?:这会儿?|现在|眼下|店里)(?:都|也)?(?:没(?:有)?|冇)(?:别的?)?(?:人|客)|还没(?:来|有)(?:第二|下一|别的|其他)|没电了?看不|没拔过|不是我(?:上|的)[^,，。 ]{0,2}班|[当那]时?不在|跟[^,，。 ]{1,3}不熟|不记得|记不[得清]|忘[了记]|` +
		`\b(?:haven't|have not|hasn't|didn't|did not|not yet|never) (?:tried|try|asked|ask|checked|check|tested|test|looked|look)\b|\bno (?:other|second|more) (?:customers?|phones?|wallets?|shops?)\b|\bonly (?:has|have|got) one\b|\bnobody (?:here )?(?:has|else)\b|\bnobody else\b|\beveryone else is closed\b|\bno (?:shops?|neighbou?rs?)\b|\b(?:can't|cannot|could not|couldn't) (?:say|tell|check|test|know)\b|\balready (?:left|gone)\b|\bnot tried\b|\bnever (?:un)?plugged\b|\b(?:wasn't|not) my shift\b|\b(?:can't|cannot|don't|couldn't) (?:remember|recall)\b|\bno memory\b|\bnext door(?:'s| is) (?:shut|closed)\b|\b(?:haven't|hasn't) (?:had|seen) (?:any|another|one)|\bno ?(?:one|body) else\b|\bonly (?:the )?(?:one|1) (?:customer|phone|person)\b|\bonly (?:got|have|had|has) (?:the )?(?:one|\w+ customers)\b|\b(?:shop|store|place)(?:'s| is)? empty\b|\b(?:customer|guest|lady|guy|he|she|they)(?:'s|'ve| has| have| is| just)? (?:already |just )*(?:left|gone|walked (?:off|out|away)|ran off)\b`)
	// noTrouble denies, and says that it works.
	noTrouble = regexp.MustCompile(`没(?:问题|毛病|事)|\bno (?:problems?|prob|issues?|trouble)\b`)

	saysNot = regexp.MustCompile(`不[正可能好顺一同]|没[正能好]|(?:并|都|也)不|\b(?:not|no|never|none|isn't|aren't|doesn't|don't|won't|didn't|cannot)\b`)
)

// AskedIn reads from the words of a yes/no question whether it asks if
// something works, or if it fails.
func AskedIn(question string) Asked {
	question = Normalise(question)
	switch fails, works := asksFails.MatchString(question), asksWorks.MatchString(question); {
	case asksLost.MatchString(question):
		return AskedLost
	case asksPaid.MatchString(question) && !fails:
		return AskedPaid
	case asksLit.MatchString(question):
		return AskedReacts
	case (fails || works) && asksApart.MatchString(question):
		return AskedCheck
	case fails:
		return AskedFails
	case works && asksOther.MatchString(question):
		return AskedOther
	case works:
		return AskedWorks
	case asksOn.MatchString(question) && !strings.HasPrefix(question, "is there ") && !strings.HasPrefix(question, "are there "):
		return AskedOn
	case asksElse.MatchString(question) && !asksBeep.MatchString(question):
	case asksHarm.MatchString(question):
		return AskedHarm
	case asksChange.MatchString(question):
		return AskedChange
	case asksReacts.MatchString(question):
		return AskedReacts
	case asksThere.MatchString(question):
		return AskedThere
	}
	return AskedCheck
}

// stated reads an answer that says neither yes nor no but how it is. It returns
// "" where it says nothing of the kind, or both.
func stated(normal string, asked Asked) Act {
	if asked == AskedOn {
		rest := saysOff.ReplaceAllString(normal, " ")
		switch off, on := rest != normal, saysOn.MatchString(rest) && !saysNot.MatchString(rest); {
		case off && !on:
			return ActNo
		case on && !off:
			return ActYes
		}
		return ""
	}
	switch asked {
	case AskedHarm:
		return ofHarm(normal)
	case AskedReacts:
		return ofReaction(normal)
	case AskedThere:
		return ofPresence(normal)
	case AskedLost:
		return ofLoss(normal)
	case AskedPaid:
		return ofPayment(normal)
	case AskedChange:
		return ofChange(normal)
	}
	if asked != AskedWorks && asked != AskedFails && asked != AskedOther {
		return ""
	}
	switch {
	case asked == AskedFails && onlyThis.MatchString(normal):
		return ActNo
	case asked == AskedOther && (allBut.MatchString(normal) || onlyThis.MatchString(normal) && saysFails.MatchString(normal)):
		return ActYes
	}
	normal = notAll.ReplaceAllString(normal, " dim ")
	fails := saysFails.MatchString(normal)
	rest := saysFails.ReplaceAllString(normal, " ")
	works := saysWorks.MatchString(rest) && !saysNot.MatchString(noTrouble.ReplaceAllString(rest, ""))
	if asked == AskedFails || asked == AskedOther {
		fails = fails || saysSame.MatchString(normal) && !saysNot.MatchString(normal)
	} else {
		fails = fails || sameTrouble.MatchString(normal)
	}
	switch {
	case fails == works:
		return ""
	case works == (asked != AskedFails):
		return ActYes
	}
	return ActNo
}

// How sure a rule is of what an answer states, and the probability from which
// the classifier is believed instead.
const (
	plainly = 0.8
	surely  = 0.9
)

// shortStatement is how many characters a statement has at most that looks like
// something else and still answers: "unionpay passed".
const shortStatement = 20

var nowWorks = regexp.MustCompile(`现在|好了|行了|可以了|\bnow\b`)

// answers reports whether a text of the act may be a plain statement that
// answers a question. "It works now" is more than that.
func answers(act Act, score float64, normal string) bool {
	switch act {
	case ActYes, ActNo, ActNotFixed:
		return true
	case ActFixed:
		return !nowWorks.MatchString(normal)
	case ActTopic, ActHuman:
		return score < SureAct || score < plainly && len([]rune(normal)) <= shortStatement
	}
	return score < SureAct || (act == ActSkip || act == ActBack) && score < plainly
}
