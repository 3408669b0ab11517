package intents

import (
	"regexp"
	"slices"
	"strings"
)

// reread reads an answer anew by its words, where they say more than what the
// classifier has learnt of answers like it, and returns the act and its
// probability. Rules give way to a classifier that is sure.
func reread(act Act, score float64, normal string, asked Asked) (Act, float64) {
	short := len([]rune(normal)) <= longestHow
	check := asked.base() == AskedCheck
	if check && saysUnknown(act, score, normal) {
		return ActUnsure, max(score, plainly)
	}
	if asked == AskedStill {
		if said := ofStill(normal); said != "" && (score < plainly || act != ActTopic && act != ActHuman) {
			return said, max(score, plainly)
		}
	}
	if short && act != ActHuman && score < surely && asksWay.MatchString(normal) {
		return ActUnsure, max(score, plainly)
	}
	paid := asked == AskedPaid && score < surely // money that moved is heard whatever else is said
	if said := stated(normal, asked); said != "" && (answers(act, score, normal) || paid && said == ActYes) && (asked != AskedOn || score < surely) {
		if said == act {
			return said, max(score, surely) // both say so
		}
		return said, max(score, plainly)
	}
	switch act {
	case ActYes, ActNo, ActFixed, ActNotFixed:
		if short && score < surely && asksHow.MatchString(normal) {
			return ActUnsure, max(score, plainly)
		}
	}
	switch {
	case check:
		return yesOrNo(act, score, normal)
	case asked == AskedResult:
		return resultOf(act, score, normal)
	}
	return act, score
}

// saysUnknown reports whether an answer to a question says that the merchant
// does not know, or had nothing to try it with.
func saysUnknown(act Act, score float64, normal string) bool {
	switch {
	case act == ActHuman && score >= plainly:
		return false
	case dontKnow.MatchString(normal):
		return act != ActSkip || score < plainly
	case begins(normal, plainYes), begins(normal, plainNo) && !noOthers.MatchString(normal):
		return false
	}
	return (score < surely || noOthers.MatchString(normal)) && act != ActHuman && (act != ActSkip || score < SureAct) && untested.MatchString(normal)
}

// yesOrNo reads an answer to a question by the word it begins with.
func yesOrNo(act Act, score float64, normal string) (Act, float64) {
	if act != ActYes && score < surely && begins(normal, plainYes) && !denial.MatchString(normal) {
		return ActYes, plainly
	}
	if !denies(normal) {
		return act, score
	}
	switch {
	case act == ActYes: // a sentence that begins with "not" is no yes, whatever follows
		return ActNo, score
	case act == ActNo && begins(normal, plainNo): // both say so
		return ActNo, max(score, surely)
	case score < plainly && begins(normal, plainNo):
		return ActNo, plainly
	case act == ActNo, score < SureAct:
		return ActNo, max(score, SureAct)
	}
	return act, score
}

// resultOf reads an answer to a step by words that tell what came of it.
func resultOf(act Act, score float64, normal string) (Act, float64) {
	likely := act == ActFixed || act == ActNotFixed || act == ActHuman
	switch {
	case withAnother.MatchString(normal):
		return ActFixed, max(score, surely)
	case (act == ActNotFixed || act == ActTopic) && score < surely && cannotDo.MatchString(normal):
		return ActSkip, max(score, plainly)
	case (!likely || act == ActFixed && score < plainly) && atLimit.MatchString(normal):
		return ActNotFixed, max(score, plainly)
	case act == ActFixed && relapsed.MatchString(normal):
		return ActNotFixed, plainly
	case (act == ActTopic || act == ActNotFixed) && score < surely && noFirst.MatchString(normal):
		return ActNotFixed, max(score, plainly)
	case score >= plainly || act == ActHuman:
	case act == ActYes && score < SureAct && saysSucceeded(normal):
		return ActFixed, plainly
	case act == ActFixed && saysSucceeded(normal), act != ActNotFixed && backAgain.MatchString(normal) && !spoilt.MatchString(normal):
		return ActFixed, plainly
	case !saysSucceeded(normal) && stillNot.MatchString(normal):
		return ActNotFixed, plainly
	}
	return act, score
}

// denies reports whether a normalised answer begins by saying no.
func denies(normal string) bool {
	return begins(normal, denials) && !begins(normal, notDenials)
}

// begins reports whether the text begins with one of the words.
func begins(text string, words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(text, w) })
}

var (
	denials = []string{"没", "不", "冇", "唔", "未", "木有", "no ", "no,", "not ", "nope", "nah", "never", "none", "nothing "}
	// plainNo is said before whatever else there is to say: it is the answer.
	plainNo = []string{"no ", "no,", "nope", "nah", "没有,", "没有 ", "不是,", "不,"}
	// plainYes is the answer as well, unless a "no" follows: 「嗯，没有」.
	plainYes   = []string{"yes ", "yes,", "yeah ", "yeah,", "yep ", "yep,", "yup ", "yup,", "是的,", "是的 ", "对,", "对 ", "对的", "嗯,", "嗯 "}
	notDenials = []string{"不只", "不光", "不仅", "没错", "冇错", "不错", "不都", "没问题", "no problem", "no doubt", "not only", "not just"}
)

// asksHow is an answer that asks about the step itself: what a thing is, where
// it is, how it is done.
var asksHow = regexp.MustCompile(`是(?:什么|哪[个里一]|指什么)|什么(?:叫|是)|在哪|哪里[有看找点按]|哪[个一](?:键|灯|口|是|图标|按钮)|(?:怎么|咋|如何)(?:看|弄|找|开|操作|分|查|算|点|搞|擦|进)|\b(?:what(?:'s| is| does)|where(?:'s| is| do| can)|which (?:one|part|button|key|light|page|menu)|how (?:do i|can i|to (?:see|find|check|do|open|tell)))\b`)

var (
	succeeded = regexp.MustCompile(`[好行成通灵亮响认]了|[好快顺灵]多了|连上了|[^擦试换弄启做]过了|可以了|正常|出来了|能[扫收付用打]|成功|收到|到账|搞[定掂]|\b(?:works?|worked|working|ok|okay|fine|success(?:ful)?|sorted|fixed|paid|received|scanned|scanning|printing|passed)\b`)
	// spoilt takes success back, or asks for it.
	spoilt = regexp.MustCompile(`[没不未冇无?吗么别]|其[他它]|人家|旁边|还是|一样|照旧|别的|\b(?:no|not|never|still|same|fail\w*|but|cannot|others?|another|everyone|everybody)\b|n't`)
)

// saysSucceeded reports whether an answer has words of success in it and none
// that take them back.
func saysSucceeded(normal string) bool {
	return succeeded.MatchString(normal) && !spoilt.MatchString(normal)
}

var (
	// backAgain says that what was gone is there.
	backAgain = regexp.MustCompile(`^(?:the |my )?\w+(?:'s| is| are) back\b|\b(?:came|come) back (?:by itself|on its own|to life)\b|自己(?:又|就)?(?:好了|恢复)|[网声光画面信号]回来了|^(?:又|现在)?有(?:画面|声音?|网|信号|光)了`)
	// stillNot says of what the step was for that it is not so: "won't start".
	stillNot = regexp.MustCompile(`^没能|(?:还是|仍然?|依旧|照样|照旧|依然|还)[^,，。吗?？]{0,6}(?:不|没|失败|打叉|空白|超时|报错|黑|卡)|([嘀滴响亮动叫闪])都不[嘀滴响亮动叫闪]|^(?:还是|仍然?|依旧|也)?(?:开不[了起]|充不[进上]|扫不|连不|打不出|收不)|照旧|\bwon't (?:start|boot|turn on|switch on|charge|come on|scan|print|read)\b|\bas before$`)
)

// relapsed says that it worked, and does no more.
var relapsed = regexp.MustCompile(`[单笔次下会秒阵钟,，。 ](?:就|马上|立马)?又(?:挂|不行|失败|断|黑|卡|坏|死|没[反网声信]|不[动行响亮认灵])|\b(?:but|then|and) (?:it |the next |now it |then it )?(?:just )?(?:stopped|died|fails?|failed|broke|crashed|dropped|went (?:off|black|dead))\b(?: again)?`)

// noFirst answers whether it works now, whatever trouble follows.
var noFirst = regexp.MustCompile(`^(?:no|nope|nah)[,.!]|^(?:nope|nah) |^(?:没有|不行|没用|没好)[了啊呀]?[,.。!]`)

// withAnother says that it works with another customer. It sounds like a wish for
// somebody else to write to.
var withAnother = regexp.MustCompile(`^(?:我)?换了?(?:一个|一位|个|位)?(?:人|顾客|客人|客户)(?:来)?(?:扫|付|试)?(?:一下)?(?:就|又|却)(?:全|都)?(?:[好行成]了?|可以|能|没事|没问题|正常|扫上|过了)`)

// dontKnow says so, whatever follows.
var dontKnow = regexp.MustCompile(`^(?:我|这个|这|也)*(?:不晓得|不知道|不清楚|不懂|不确定|不好说|搞不清楚?|唔知|唔清楚)[啊呀诶哎的了哦呢吧嘛]*(?:$|[ ,，。.!])|^(?:sorry |well |i )*(?:don't know|dunno|donno|idk|no idea|no clue|not sure|can't say|hard to say|couldn't tell you)(?: (?:sorry|really|sir|madam|bro|mate|boss))*(?:$|[,.!]| (?:my|the owner|the boss|i'm|i am|ask|how|what|when|whether|which|if)\b)`)

// noOthers says that there is nobody and nothing to try it with, and is no "no".
var noOthers = regexp.MustCompile(`^no (?:other|second|more) (?:customers?|phones?|wallets?|shops?)\b`)

// cannotDo says that a step cannot or must not be done here.
var cannotDo = regexp.MustCompile(`(?:没法|没办法|不敢|不让|没空|没时间|没工夫)[^,，。 ]{0,3}(?:重启|关机?|擦|挪|搬|拿|换|弄|试|停)|[拿挪搬移]不[动了走开]|[拔取拆]不[下动出了]|[坏断][^,，。 ]{0,3}没法|\bwon't come (?:out|off)\b|\bbroken,? can't\b|没有?(?:别的|备用|多余|其[他它]|第二)(?:的)?[^,，。 ]{0,2}(?:网|卡|纸|线|充电器|布|电源)|\b(?:can't|cannot|unable to|not able to|not allowed to|mustn't|don't want to|scared to|afraid to|won't let me) (?:\w+ )?(?:restart|reboot|switch|turn|wipe|clean|move|carry|lift|unplug|change|test|try it)\b|\bno (?:other|spare|second) (?:network|sim|wifi|paper|roll|cable|charger|cloth)\b`)

// asksWay is an answer that asks for the way a step is done, and is like nothing
// else: with what, how often, for how long.
var asksWay = regexp.MustCompile(`^(?:用|拿)(?:什么|啥)|(?:湿纸巾|湿巾|酒精|纸巾|湿布|毛巾|眼镜布|水)[^,，。 ]{0,2}(?:行不行|可不可以|能不能|(?:可以|行|能擦|能用)[吗嘛么])|(?:按|按住|长按|等|擦|充|捂)(?:多久|几[秒下分次遍]|多少秒)|隔多[远少]|怎么(?:切|关|按|调|拔|擦|挪|换卡|开热点)|^是[^,，。 ]{1,8}还是[^,，。 ]{1,8}$|[^,，。 ]按还是[^,，。 ]按|^with what\b|\b(?:can|could|should|may|do) i (?:use|wipe|press|hold|pull|scan|push|have to use)\b|^(?:and )?how (?:long|many times|hard|often|far)(?: do| should| shall| must)? i\b|^(?:press|hold|wait|wipe|keep)\b[^,.]* how (?:many|long|far)|^how (?:much|far|many) (?:distance|seconds|cm|times|away)|\bhow (?:do i |to )(?:off|on|turn (?:it )?(?:off|on)|switch|press|hold|wipe|unplug|restart|reboot)\b|\bwhere exactly\b|^is (?:it|that) the\b|^(?:the )?\w+(?: \w+)? or (?:the )?\w+(?: side)?(?: to \w+)?$`)

// atLimit is an answer to "turn it up" that says that it was up before.
var atLimit = regexp.MustCompile(`(?:已经|本来|原来|早|一直)(?:就|都|也)?(?:是|开到|调到|开|调|在)?(?:了)?(?:最[大亮高满响]|满|顶|到头)|早就?[^,，。 ]{0,3}[撕擦换关开拔清][了过掉]|本来就[没开关]|\blong ago\b|\b(?:was|were) never\b|\balready (?:on|off|removed|open|clean\w*|wiped)$|\balready (?:at |on |all the way |turned |set )*(?:to )?(?:the |its )?(?:max\w*|full\w*|top|up|highest|brightest|loudest)\b|\b(?:max\w*|full|highest|all the way up)\b[^,.]*\balready\b|\b(?:was|always) (?:already )?(?:at |on )?(?:the )?(?:max\w*|full|highest)\b`)

// longestHow is how many characters a question about the step has; one about
// something else explains more.
const longestHow = 40
