package dialog

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tilldesk/content/source"
	"tilldesk/intents"
)

// Remarks are said by the way: they answer nothing, and the step that was asked
// stays asked. Each has to be the whole of the message, but for what only fills.
var (
	// vents is a sigh or an oath, at nobody.
	vents = regexp.MustCompile(`^(?:(?:唉|哎|啊|呀|哦|真|真的|太|好|我|都|快|要|了|这|破|机器|也|气|烦|急|` +
		`快点|快一点|赶紧的?|顾客|客人|人|好多|一堆|全|等着|等急|走|走光|走掉|跑|跑光|排队|排着队|排着长队|排长队|后面|门口|呢|烦死|烦死了|烦人|气死|气死我了|气人|急死|急死我了|急死人|崩溃|疯了|无语|服了|头大|头疼|倒霉|闹心|要命|受不了|搞什么|什么玩意|什么破|郁闷|我的天|天哪|老天|愁死|烦躁|累死|晕|靠|妈呀|我去|` +
		`oh|my|god|goodness|ugh+|argh+|aargh|gosh|man|damn|dammit|damn it|wtf|ffs|fml|jesus|christ|for god's sake|for heaven's sake|come on|seriously|unbelievable|ridiculous|annoying|frustrating|nightmare|hopeless|` +
		`losing|my|our|there|customers?|people|business|sales|are|leaving|walking out|waiting|there's|big|long|huge|queue|line|here|we|this|it|that|is|it's|that's|so|such|a|really|just|driving me|drives me|nuts|crazy|mad|insane|up the wall|i|i'm|im|am|fed up|sick of this|sick of it|losing my mind|going crazy|can't take|cannot take|anymore|any more|what a|pain|mess|day|hurry|up|quick|quickly|please|pls|faster)[,.!。、~…\s]*)+$`)
	// vent is what a sigh has at least one of: "this is it" has none.
	vent = regexp.MustCompile(`[烦气急愁]死|[烦气]人|崩溃|疯了|无语|服了|头大|头疼|倒霉|闹心|要命|受不了|搞什么|什么玩意|什么破|郁闷|我的天|天哪|老天|烦躁|累死|晕|我靠|妈呀|我去|排着?长?队|[客人]人?(?:(?:都|全|要|快)(?:走|跑)(?:光|掉)?|(?:走|跑)(?:光|掉))了|(?:客人|顾客|人)(?:都|全)?(?:等着|等急)|[唉哎]|快点|快一点|^烦|太烦|好烦|真烦|\b(?:ugh+|argh+|aargh|damn|dammit|wtf|ffs|fml|jesus|christ|sake|seriously|unbelievable|ridiculous|annoying|frustrating|nightmare|hopeless|nuts|crazy|mad|insane|up the wall|fed up|sick of|my god|oh my|(?:can't|cannot) take|pain|what a|hurry|faster|losing (?:my |our )?(?:customers?|business|sales)|(?:customers?|people) (?:are |r )?(?:leaving|walking out|waiting)|(?:big|long|huge) (?:queue|line))\b`)

	// asksBot asks who is writing here.
	asksBot = regexp.MustCompile(`^(?:喂|诶|那|请问|等等|你好|您好|[,.!?。、\s])*(?:[你您](?:到底|究竟)?(?:是不是|是)(?:个)?(?:机器人|自动回复|自动的|人工智能|ai|真人|人|机器|程序|电脑)(?:还是(?:机器人|真人|人|机器|ai))?|是不是机器人|是机器人(?:吗|吧)?|[你您]是谁|跟我(?:说话|聊)的是(?:真人|机器人|人))(?:吗|么|嘛|吧|呀|啊|在回|[,.!?。、\s])*$|` +
		`^(?:hey|hi|hello|wait|so|sorry|um|[,.!?\s])*(?:(?:are|r) (?:you|u)|is this|is it|am i (?:talking|speaking|chatting) (?:to|with)) (?:even |actually |really |just )?(?:a |an |the |some )?(?:real |live |actual )?(?:bot|chatbot|robot|machine|computer|ai|automated|automatic|human|human being|person|real)(?: or (?:a |an )?(?:real )?(?:bot|robot|machine|human|person|ai))?[,.!?\s]*$|^who (?:are you|am i talking to)[?\s]*$`)

	// asksWhy asks what the step is for.
	asksWhy = regexp.MustCompile(`^(?:为什么|为啥|为何|干嘛|干吗|凭什么)(?:要)?(?:这样|这么|问这个|问|看这个|看|查这个|查|做这个|做这步|做|弄这个|弄|我)?(?:做|弄|问|这个)?(?:呢|啊|呀|[?.!。\s])*$|^(?:but )?(?:why|what for|what'?s the point|why (?:is that|that|this|do i (?:have|need) to(?: do (?:that|this))?|should i(?: do (?:that|this))?|do you (?:ask|need (?:that|this|to know))))[?.!\s]*$`)

	// asksLong asks how long it takes.
	asksLong = regexp.MustCompile(`^(?:这个?|这步|那)?(?:还|大概|大约)?(?:要|得|需要|需)(?:弄|搞|等|花|用)?(?:多久|多长时间|多少时间|几分钟)(?:呢|啊|呀|才能好|才好|才行|[?.!。\s])*$|^(?:多久|多长时间)(?:能好|能弄好|才好)?(?:呢|啊|呀|[?.!。\s])*$|^(?:ok |and |but )?how (?:long|much longer|much time)(?: (?:will|does|is|would) (?:this|it|that)(?: going to| gonna)?(?: take| be| need)?)?[?.!\s]*$|^(?:is|will|does) (?:this|it|that)(?: (?:going to|gonna))? take (?:long|ages|forever)[?.!\s]*$|^(?:这个?|那)?(?:要|得)(?:等)?(?:很久|好久)(?:吗|么|啊|[?.!。\s])*$`)

	// elsewhere says that the customer has paid in another way: the sale is made.
	elsewhere = regexp.MustCompile(`^(?:好了?的?|哦|嗯|行|算了|[,.!。、\s])*(?:他|她|顾客|客人|人家|客户)?(?:已经|最后|后来|先|就|改|刚)*(?:(?:付|给|掏)了(?:现金|现钱)|(?:用|刷|拿|付|给)(?:的|了)?(?:现金|卡|现钱)(?:付|支付|给)?(?:了|的|完|走|好)+)(?:了|啊|[,.!。\s])*$|` +
		`^(?:ok|okay|well|so|[,.!\s])*(?:he|she|they|the customer|customer|the guy|the lady)(?:'s| has| have| just)* paid (?:me |it |us )?(?:by|with|in|using) (?:(?:a|his|her|their|another|the) )?(?:(?:bank|credit|debit) )?(?:cards?|cash)(?: now| already| instead|[,.!\s])*$`)

	// mayGo asks whether a customer who has perhaps not paid may leave with the goods.
	mayGo = regexp.MustCompile(`(?:(?:能|可以|该|要|可不可以|能不能|要不要|是不是|怎么)[^,.。]{0,4}(?:让|放)(?:他|她|人|顾客|客人)[^,.。]{0,2}(?:走|离开)|(?:让|放)(?:他|她|人|顾客|客人)[^,.。]{0,2}走[^,.。]{0,3}(?:吗|么|嘛|不|行不行)|(?:货|东西|商品|菜|饭)[^,.。]{0,4}(?:给不给|能给|可以给|该给|拿走|带走|让[他她]拿)[^,.。]{0,5}(?:吗|么|嘛|[?])|(?:他|她|人家|顾客|客人)(?:说)?(?:马上)?(?:要|急着|想)走(?:了)?[^。]{0,6}(?:怎么办|咋办|咋整|怎么弄|[?吗]))|` +
		`\b(?:(?:should|can|shall|do|may|could) (?:i|we) (?:just )?(?:let|allow) (?:him|her|them|the (?:customer|guy|lady|man|woman|client|guest)|customer) (?:to )?(?:go|leave|walk)|(?:can|may|should|could) (?:he|she|they|the customer|customer) (?:go|leave|take (?:it|them|the goods|the food|the stuff))|(?:should|can|shall|do) (?:i|we) (?:give|hand|release) (?:him|her|them|over|out|the)|let (?:him|her|them) (?:go|leave)(?: or (?:not|what))?\s*[?])`)

	// customerGone says that the customer is no longer there.
	customerGone = regexp.MustCompile(`^(?:[,.!。、\s]|啊|哎呀?|可是|但是?|那|现在|这)*(?:他|她|人|人家|顾客|客人|客户)(?:都|已经|早|早就|刚|刚刚|就)*(?:走了|离开了?|走掉了?|走远了|不在了|不见了)(?:[啊呀呢了]|怎么办|咋办|咋整|怎么弄|[,.!?。、\s])*$|^(?:but|oh|well|and|so|[,.!\s])*(?:he|she|they|the (?:customer|guy|lady|man|woman|client)|customer)(?:'s| is| has| have|'ve)? ?(?:already |just |now )*(?:left|gone|walked (?:out|off|away)|went away)(?: already| now| the shop)?(?:,? (?:what now|what (?:do|should) i do))?[,.!?\s]*$`)
	// asksSafe asks whether money is lost.
	asksSafe = regexp.MustCompile(`(?:我的?|这|那|店里的?)?(?:笔)?钱(?:还)?(?:会不会|是不是|会)?(?:安不安全|安全(?:吗|么|不)|丢(?:了)?(?:吗|么|不|$)|没了(?:吗|么|吧)|不见了(?:吗|么|吧))|\b(?:is|are) (?:my|the|our) money (?:\w+ )?(?:safe|ok|okay|lost|gone)\b|\b(?:did|have|will) i (?:just )?(?:lose|lost) (?:my|the|that|this) money\b`)

	// arrived says that the money is there: nothing is missing but what was told of.
	arrived = regexp.MustCompile(`^(?:但是?|不过|哦|嗯|可是|[,.!。、\s])*(?:钱|款|账)(?:都|倒|是|已经|其实|收)*(?:到了|到账了|收到了|进来了|有的|在的)(?:的|啊|呀|[,.!。\s])*$|^(?:but |well |oh |though |[,.\s])*(?:the |my )?money (?:is there|arrived|did arrive|came(?: in| through)?|is in|does arrive|comes in|has arrived)(?: though| ok| fine|[,.!\s])*$`)

	// asksPrice asks what a terminal costs.
	asksPrice = regexp.MustCompile(`^(?:那|请问|对了|[你您](?:们|家)?的?|买|换|这个?|新的?|一台?|再|[,.!。、\s])*(?:机器|pos机?|刷卡机|收款机|终端|新机器?|新的|一台)(?:一台|卖|要|得|大概|现在|是|[,.!。、\s])*(?:多少钱|什么价|啥价|几多钱|怎么卖|价格)[^,.。]{0,4}(?:[?。.\s呢啊呀])*$|^(?:and |so |ok |but |btw |by the way |[,.\s])*(?:how much (?:is|does|are|for|would|will) (?:a |an |the |it |your )?(?:new |another |replacement )(?:one|terminal|machine|pos|unit)s?(?: (?:cost|be))?|(?:what'?s |what is )?(?:the )?(?:price|cost) of (?:a |an |the )?(?:new |another |replacement )?(?:one|terminal|machine|pos|unit)|how much (?:is|does|for|are) (?:a |the |your |one )?(?:terminal|machine|pos|pos machine)s?(?: cost)?)[?.!\s]*$`)

	// vague says that there is trouble with taking payments, and not which.
	vague = regexp.MustCompile(`^(?:我的?|我们的?|这个?|店里的?|你好|您好|[,.!。\s])*(?:收款|支付|付款|收钱|收银|交易|扫码支付|机器|pos机?|刷卡机)(?:机|的时候|这边)?(?:有|出|出了|有点|有些|遇到)?(?:点|些|个)?(?:问题|毛病|故障|异常)(?:了|啊|呢|[,.!。\s])*$|` +
		`^(?:我|我们|我这|店里|这边|现在|突然|今天|你好|您好|机器|pos机?|[,.!。\s])*(?:收不了|收不到|没法收|没办法收|不能收)(?:钱|款|账)(?:了|咋整|咋办|怎么办|怎么弄|怎么回事|咋回事|急|啊|呀|呢|[,.!?。\s])*$|` +
		`^(?:hi|hello|help|please|sorry|[,.!\s])*(?:i|we)(?: am| are|'m|'re)? ?(?:can'?t|cannot|can not|unable to|not able to) (?:take|accept|collect|get) (?:any |my |our )?(?:payments?|money)(?: (?:today|now|here|anymore|help|please|pls)|[,.!?\s])*$|` +
		`^(?:hi|hello|help|please|[,.!\s])*(?:i (?:have|got|am having)|i'm having|i've got|we have|having|there is|there's|got)? ?(?:a|an|some|the)? ?(?:payments?|paying|pos|terminal|machine|transactions?|cashier|till|checkout)(?: terminal| machine)? (?:problems?|issues?|troubles?|error|not ok)[,.!\s]*$`)
)

// remarked answers what is said by the way, and asks again what was asked. It
// reports false if the message is something else.
func (t *turn) remarked() bool {
	text := intents.Normalise(t.in.Text)
	if t.in.Choice != "" || len(t.in.Codes) > 0 {
		return false
	}
	step := t.asked()
	switch {
	case asksBot.MatchString(text):
		t.remark("remark.bot")
	case vents.MatchString(text) && vent.MatchString(text):
		t.remark("remark.vent")
	case asksPrice.MatchString(text):
		t.remark("remark.price")
	case step == nil && t.st.Fix == nil && t.in.Decision != intents.Answer && vague.MatchString(text):
		t.whichKind()
	case step == nil:
		return false
	case mayGo.MatchString(text):
		t.remark("remark.leaving")
	case customerGone.MatchString(text) && t.script.playbooks[t.st.Fix.Intent].Money == MoneyFirst:
		t.remark("remark.gone")
	case arrived.MatchString(text) && t.script.playbooks[t.st.Fix.Intent].Money != MoneyFirst && step.ID != charged && !t.tellsMore():
		t.remark("remark.arrived")
	case asksSafe.MatchString(text):
		t.remark("remark.safe")
	case elsewhere.MatchString(text) && t.script.playbooks[t.st.Fix.Intent].Money != MoneyFirst && step.ID != charged:
		t.remark("remark.elsewhere")
	case asksWhy.MatchString(text) && step.Kind != Refer:
		key := "remark.why_check"
		if step.Kind == Fix {
			key = "remark.why_fix"
		}
		t.remark(key)
	case asksLong.MatchString(text):
		switch {
		case step.Kind == Refer:
			t.remark("remark.long_refer")
		case t.script.playbooks[t.st.Fix.Intent].Money == MoneyFirst:
			t.remark("remark.long_money", "time", duration(step.Seconds)) // "take it another way" would be to take it twice
		default:
			t.remark("remark.long", "time", duration(step.Seconds))
		}
	default:
		return false
	}
	return true
}

// tellsMore reports whether the message answers a step in a way not known yet.
func (t *turn) tellsMore() bool {
	return slices.ContainsFunc(t.told(), func(f fact) bool { return t.st.Fix.Answers[f.step] != f.result })
}

// remark says a reply, and again what was asked. Where nothing was, a person is
// offered.
func (t *turn) remark(key string, args ...any) {
	t.unproductive()
	t.reason(Courtesy)
	line := t.reply(KindAnswer, key, args...)
	said := len(t.out.Say)
	t.say(line)
	t.again()
	if len(t.out.Say) == said+1 {
		t.out.Say[said].Choices = []Choice{t.script.choice("human")}
	}
}

// signIn says that somebody cannot log in to the terminal or an app. It is no
// symptom of its own: nothing at the counter mends it but the password.
var signIn = regexp.MustCompile(`登(?:录|陆|入)?(?:不了|不上|不进|失败|不成功)|(?:进|登)不(?:去|了)(?:系统|后台|账号|app)|(?:没法|无法|不能)登(?:录|陆|入)|^(?:我|店员|收银员|操作员|主管|登录|机器|后台|app|的)*密码(?:给)?(?:忘记?了|忘|不记得了?|记不得了?)|忘记?了?(?:登录|操作员|主管|机器|后台|app)?的?密码|` +
	`\b(?:can'?t|cannot|can not|unable to|won'?t let me|not able to|couldn'?t|doesn'?t let me) (?:even )?log ?in\b|\blog ?in (?:fails?|failed|not working|problem|issue|error|does ?n[o']t work|is refused)\b|\b(?:forgot|forgotten|lost) (?:the |my |our |his |her )?(?:operator |cashier |login |terminal |app |machine |pos )?(?:password|passcode|login)\b`)

// ofTheCustomer is said of a customer's login or password.
var ofTheCustomer = regexp.MustCompile(`顾客|客人|客户|付款|支付密码|银行卡|wifi|\b(?:customers?|his phone|her phone|wifi|wi-fi|bank)\b`)

// cannotSignIn helps who cannot log in, once; a person after that. It reports
// false if the message is something else.
func (t *turn) cannotSignIn() bool {
	text := intents.Normalise(t.in.Text)
	again := slices.ContainsFunc(t.st.Last, func(l Line) bool { return l.Key == "remark.login" })
	more := again && short(text) && t.in.Act != intents.ActFixed && !strings.HasPrefix(t.intent(), "smalltalk.")
	if len(t.in.Codes) > 0 || !more && !signIn.MatchString(text) || ofTheCustomer.MatchString(text) {
		return false
	}
	if again {
		t.in.Guesses = []intents.Guess{{Intent: anyError, Score: 1}} // a word like "the terminal" names nothing
		t.handoffSaying(CauseStepsUsed, "handoff.login")
		return true
	}
	line := t.reply(KindAnswer, "remark.login")
	line.Choices = []Choice{t.script.intentChoice(anyError), t.script.choice("human")}
	t.st.Phase, t.st.Greeted = Idle, true
	t.productive()
	t.reason(Answered)
	t.say(line)
	return true
}

// whichKind offers the usual troubles to who says only that there is one.
func (t *turn) whichKind() {
	t.st.Clarified++
	if t.st.Clarified > maxClarified || t.st.Missed+t.st.Clarified > maxLost {
		t.handoff(CauseNotUnderstood)
		return
	}
	ask := t.reply(KindClarify, "remark.vague")
	ask.Choices = append(t.usual(), t.script.choice("none"))
	t.st.Phase, t.st.Greeted = Clarifying, true
	t.st.Unclear = clip(t.in.Text, 200)
	t.unproductive()
	t.reason(Unclear)
	meanwhile := t.reply(KindNotice, "clarify.meanwhile")
	meanwhile.Text = join("\n", meanwhile.Text, t.script.text("clarify.money")) // it may be about money that was taken
	t.say(meanwhile, ask)
}

// duration is how long something takes, as people say it.
func duration(seconds float64) source.Text {
	const minute = 60
	if n := int(seconds); n < minute {
		return source.Text{Zh: strconv.Itoa(n) + "秒", En: strconv.Itoa(n) + " seconds"}
	}
	switch n := int(seconds+minute/2) / minute; n {
	case 1:
		return source.Text{Zh: "一分钟", En: "a minute"}
	default:
		return source.Text{Zh: strconv.Itoa(n) + "分钟", En: strconv.Itoa(n) + " minutes"}
	}
}
