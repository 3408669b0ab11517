package intents

import (
	"regexp"
	"strings"
)

// What else a yes/no question may ask, where the answers to it are statements of
// a kind of their own.
const (
	AskedHarm   Asked = "harm"   // whether something is broken, dirty or dangerous: that all is well is a no
	AskedReacts Asked = "reacts" // whether the terminal makes a sound, gives light or shows something
	AskedThere  Asked = "there"  // whether something is there, or can be found
	AskedPaid   Asked = "paid"   // whether a payment is marked as made
	AskedChange Asked = "change" // whether something was moved, replaced or updated
	AskedLost   Asked = "lost"   // whether a sound or an entry is gone: that there is none is a yes
)

var (
	asksHarm = regexp.MustCompile(`(?:裂|划花|划伤|划痕|磨损|鼓[起了包]|烫手|发烫|怪味|焦味|糊味|进过?水|受潮|水汽|破[了损]|歪|弯了|松了|松松|陷下去|脏|摔过)[^?]*[吗嗎么没?]|\b(?:cracks?|cracked|scratch\w*|bulging|swollen|hot|smell\w*|wet|torn|crooked|bent|loose|dirty|misty|blurred|faded|damaged|worn|dropped)\b`)
	// asksElse speaks of harm, sound or presence, and asks for something else.
	asksElse = regexp.MustCompile(`通知|提示文字|消息|您要|只有|就只|而且|\b(?:notice|message|maintenance|want|only|about)\b`)

	// unharmed takes harm back: 「没裂」, "no cracks or anything".
	unharmed = regexp.MustCompile(`(?:没有?|不|未|冇|无|木有)(?:什么|啥|任何|被|有|太|怎么|咋)?(?:进过?|碰过|沾过?|摔|` + harmZh + `)[^,，。 ]{0,3}|\b(?:no|not|never|without|isn't|aren't|wasn't|hasn't|haven't|didn't|doesn't|don't|nothing|nor)\b(?: (?:been|be|any|a|an|at all|really|even|get|got|see|looks?|seems?|is|visible|spilt|spilled|the|smell|find|or|near|in|touched))* (?:` + harmEn + `)\b(?:(?: (?:or|nor|and no|no)|,) (?:\w+ )?(?:` + harmEn + `))*`)
	harmed   = regexp.MustCompile(harmZh + `|\b(?:` + harmEn + `)\b`)
	unwell   = regexp.MustCompile(`不(?:太|大|怎么)?(?:正常|干净|完整|平整|好)|\b(?:not|isn't|aren't|doesn't look)(?: (?:very|really|quite|so|all|too|that))? (?:` + wellEn + `)\b`)
	well     = regexp.MustCompile(`[锃铮]亮|亮得|完整|完好|好好的|好着|挺好|蛮好|好的很|好得很|都好|干净|崭新|新的|挺新|新机|正常|光滑|平整|没(?:有)?(?:什么|啥|任何)?(?:毛病|问题|异常|事|味|水)|都?没有$|没有(?:这些?|那)|冇事|干的|凉的|冰凉|安全|弹得?(?:起来|回)|跟别的[^,，。 ]{0,3}一样|\b(?:springs? (?:right )?back|like the others?|` + wellEn + `|nothing wrong|none of (?:these|those|that|them)|no (?:problems?|issues?|damage))\b`)
)

const (
	harmZh = `(?:裂|划|刮|印子|[有条道]痕|花了|起雾|雾气|水汽|水珠|鼓|烫|发热|焦|糊|怪味|臭|湿|洒|泼|泡[过水]|进过?水|淋|破|歪|弯|松|磨|缺|断|坏|脏|油|起不来|弹不|软塌|闪|花屏|黑[块斑]|块黑|彩条|汤里|水里|灰|邋遢|指[纹印])`
	harmEn = `cracks?|cracked|scratch\w*|chip|chips|chipped|foggy|mist\w*|swollen|swelling|bulg\w*|puff\w*|warm|hot|heat|overheat\w*|burn\w*|smell\w*|stink\w*|spil\w*|wet|water|soaked|rain\w*|torn|bent|crooked|loose|wobbl\w*|frayed|broken|beat up|worn|dents?|dented|smudg\w*|dirty|dusty|fingerprints?|flour|blurr?\w*|faded|fell|damage|damaged|mushy|stays down|sticky|flicker\w*|lines|patch\w*|blots?|stripes?|rainbow|soup|sink|coffee|tea|juice`
	wellEn = `clean|clear|fine|ok|okay|all good|good|perfect|perfectly|intact|smooth|dry|cool|cold|new|normal|spotless|polished|squeaky|mint|straight|firm|tight|safe|undamaged`
)

// ofHarm reads an answer to whether something is harmed. It returns "" where
// that is not said, or said both ways.
func ofHarm(normal string) Act {
	rest := unharmed.ReplaceAllString(normal, " fine ")
	kept := unwell.ReplaceAllString(rest, " ")
	return either(well.MatchString(kept), kept != rest || harmed.MatchString(kept))
}

var (
	asksReacts = regexp.MustCompile(`嘀|[有会]响|声音|震动|跳出|取景|有反应|\b(?:beep|sound|vibrat\w*|come on|light up|react|respond)\b`)
	// asksLit asks for a light or a picture, however it says "come on".
	asksLit = regexp.MustCompile(`\b(?:light|lamp|symbol)s?\b[^?]*\bcomes? on\b`)
	// asksBeep asks for a sound, and for a message only as well.
	asksBeep  = regexp.MustCompile(`嘀|\bbeep\b`)
	asksLost  = regexp.MustCompile(`没有?(?:了)?声音?[^,，。?]{0,3}[吗嗎么]|不响了?[吗嗎么]|[里中]根本没有|\b(?:gone|went|fallen) (?:silent|quiet|mute)\b|\bmissing from\b`)
	asksThere = regexp.MustCompile(`[里上]面?(?:还|到底)?有[^?]*[吗没?]|有没有|还有[^?]*[吗没]|(?:找|看|查|翻)得?到[^?]{0,8}[吗没?]|\b(?:is|are) there\b|\b(?:can|do|did|could) you (?:see|find)\b`)

	// inert and lively are what a terminal is or does that was spoken to.
	inert  = regexp.MustCompile(`(?:没|不|冇|无|唔|木有|没得|没有)(?:什么|啥|任何|一点|半点|再|见|看到|看见|听到|听见|会|有){0,2}(?:声|音|响|叫|嘀|滴|动静|反应|光|灯|亮|用|跳|变|认|吭|吱|震|显示|画面|出来)[^,，。 但却就只]{0,3}|不出声|听不[到见]|安静|静悄|哑|死|黑|什么都没有?|啥都没有?|啥也没有?|不理|\b(?:silen\w*|quiet|mute|dead|dark|black|nothing|nada|nil|zilch|inert|ignores?|not (?:a|an|even|one|any)(?: \w+)?|no (?:\w+ )?(?:beep\w*|sound|noise|reaction|response|light|glow|sign|peep|picture|camera|vibration|change|page)|(?:does|do|did|is|was|has|have|will|would|can)(?:n't| not) (?:make|beep|react|respond|light|come|show|do|move|ring|glow|change|turn|go)|(?:light|sound|beep|picture|page|lamp)s? (?:is|are|does|do|did|was)(?:n't| not)(?: \w+)?|(?:doesn't|didn't|won't|isn't|not) \w+)\b`)
	lively = regexp.MustCompile(`响|叫|听[到见得]|嘀|滴|哔|[会有]声|亮|闪|跳|显示|写着|变了|红|绿|橙|蓝|有光|有反应|震|画面|\b(?:loud\w*|hear|heard|beep\w*|bleep\w*|bip\w*|bing|ding\w*|ring\w*|rang|chirp\w*|peep\w*|tone|noise|sound|clicks?|buzz\w*|vibrat\w*|lights?|lit|glow\w*|blink\w*|flash\w*|comes?|came|coming|red|green|orange|blue|white|amber|shows?|showing|says|pops?|popped|changes|flips?|page|picture)\b`)

	// none and some are what is said of what is there, or is not.
	none = regexp.MustCompile(`(?:没|冇|木)(?:有|找到|看到|查到|翻到|见到?|得|看见)?|无|空|光了|用完|完了|用光|见底|不见|不存在|[找查翻看]不到|[只就]剩个?(?:芯|筒|壳)|\b(?:(?:not|can't|cannot|couldn't|don't|didn't|isn't|aren't|doesn't|hasn't)(?: (?:be|got|have|been|even|really))* (?:found|find|see|there|in|any|one|left)|no|not|none|nothing|empty|finish\w*|ran out|run out|out of|gone|missing|(?:just|only) the (?:tube|core|roll|cardboard))\b`)
	some = regexp.MustCompile(`有|还剩|剩[下着一半点]|够|满|找到|查到|看到|翻到|在的|在里|[半一两]卷|\b(?:found|there (?:is|it is|they are)|there's|plenty|loads|lots|half|full|some|enough|left|yes|got|see it|i see|a little|a bit|in there|it's there)\b`)
)

// ofReaction reads an answer to whether the terminal reacts.
func ofReaction(normal string) Act {
	rest := inert.ReplaceAllString(normal, " ")
	return either(rest != normal, lively.MatchString(rest))
}

// ofPresence reads an answer to whether something is there.
func ofPresence(normal string) Act {
	rest := none.ReplaceAllString(normal, " ")
	return either(rest != normal, some.MatchString(rest))
}

// spoken is what a voice does that is not gone, mute one that is.
var (
	mute   = regexp.MustCompile(`[没不](?:再|在|会)?[播报]|\b(?:\w+n't|not|never|stopped|stops) (?:\w+ )?(?:speak|talk|say|announc)\w*`)
	spoken = regexp.MustCompile(`在播|在报|会播|会报|播了|报了|\b(?:speaks?|speaking|talks?|talking|announces?)\b`)
)

// ofLoss reads an answer to whether something is gone.
func ofLoss(normal string) Act {
	normal = noTrouble.ReplaceAllString(normal, " ")
	rest := normal
	for _, gone := range []*regexp.Regexp{mute, inert, none} {
		rest = gone.ReplaceAllString(rest, " ")
	}
	return either(lively.MatchString(rest) || some.MatchString(rest) || spoken.MatchString(rest), rest != normal)
}

var (
	asksPaid = regexp.MustCompile(`(?:显示|标着?)[^,，。?？]{0,8}(?:成功|付款|已付|到账)[^,，。?？]{0,3}(?:[吗嗎么没]|\?$)|\b(?:says?|shows?|marked)\b[^?]*\b(?:paid|successful|success)\b`)
	// taken says that money moved, whatever else is said.
	taken = regexp.MustCompile(`扣|到账|钱(?:没了|出去|走)|但|可是|不过|\b(?:but|taken|took|charged|deducted|debited|money|although|though)\b`)
)

// unpaid is what the record or the customer's phone says of a payment that was not made.
var unpaid = regexp.MustCompile(`没有?付|未付|没成|失败|关闭|待付|待支付|转圈|在?输密码|没有?(?:这|今天|那|找到|查到|看到)[^,，。 ]{0,3}|[找查]不到|翻到底|\b(?:failed|failure|unpaid|closed|cancell?ed|pending|spinning|no result|not (?:been )?pa(?:y|id)|asking (?:for )?(?:the |his |her )?(?:password|pin)|not in (?:the|there)|not found|no such|isn't there|no record)\b`)

// ofPayment reads an answer to whether a payment is marked as made. A "no" must
// be plain, and money that moved is none, whatever else is said: to take a payment
// for failed could charge the customer twice.
func ofPayment(normal string) Act {
	if at := moved.FindStringIndex(normal); at != nil && !denial.MatchString(normal[:at[0]]) {
		return ActYes
	}
	rest := unpaid.ReplaceAllString(normal, " ")
	if rest == normal && paidUp.MatchString(normal) && !denial.MatchString(normal) {
		return ActYes
	}
	if rest != normal && !taken.MatchString(rest) && !saysWorks.MatchString(rest) && !strings.Contains(rest, "成功") {
		return ActNo
	}
	return ""
}

var (
	// moved says that money left the customer's account.
	moved = regexp.MustCompile(`扣(?:了|掉|成|走|钱|出|款)|钱(?:已经)?(?:没了|出去|走了|走掉|付了)|\b(?:deduct(?:ed)?|debited|charged|cut|gone from|gone out|went out|left (?:his|her|their) account|taken (?:from|off)|took (?:the money|\d+))\b`)
	// paidUp says that the payment was made.
	paidUp = regexp.MustCompile(`付(?:完|好|过)了|已(?:支)?付|(?:支付|付款)成功|\b(?:says?|shows?) (?:paid|success\w*|completed?)\b`)
	denial = regexp.MustCompile(`[没未不冇无]|\b(?:no|not|never|nothing|nobody|without|if|whether)\b|n't`)
)

var (
	asksChange = regexp.MustCompile(`(?:升级|换过|搬过|动过|改过|装过)[^?]*[吗没?]|\b(?:updated|repaired|moved|replaced|touched|tampered)\b`)
	unchanged  = regexp.MustCompile(`(?:没有?|从没|从来没|未|冇|不曾|无)(?:人|谁)?(?:什么|啥)?(?:给|去|再|被)?(?:动|换|碰|改|搬|升级|更新|修|装|弄|变|摔|拆)过?|没有?(?:啥|什么)?(?:变化|改动)|原封|老样子|一直(?:都|就)?(?:放|在|这样|摆)|\b(?:(?:not|never|nobody|no one|nothing|hasn't|haven't|wasn't|isn't|didn't|no)(?:'s| has| have| was| is| been| ever| new| any| has been| changes? in)* (?:touch\w*|chang\w*|mov\w*|updat\w*|repair\w*|replac\w*|done|do|laid|happened|different|new|budged)|did nothing|same as (?:always|ever|before|it)|as always|same place|always here)\b`)
	changed    = regexp.MustCompile(`换[过了]|搬[过了到来]|升级|更新|[修改动装摔拆]过|师傅来|\b(?:updat\w*|upgrad\w*|moved|shifted|changed|replaced|swapped|repaired|mended|fixed|dropped|new (?:sim|battery|shop|cable|router|place|board|spot)|touched)\b`)
)

// ofChange reads an answer to whether something was changed.
func ofChange(normal string) Act {
	rest := unchanged.ReplaceAllString(normal, " ")
	return either(rest != normal, changed.MatchString(rest))
}

// either is the answer of what says no or yes, "" of what says both or neither.
func either(no, yes bool) Act {
	switch {
	case no == yes:
		return ""
	case yes:
		return ActYes
	}
	return ActNo
}
