package intents

import "testing"

// What is said plainly counts for more than a classifier that is not sure, and
// less than one that is.
func TestReread(t *testing.T) {
	for _, tt := range []struct {
		answer string
		asked  Asked
		act    Act
		score  float64
		want   Act
	}{
		{"换个人就好了", AskedResult, ActHuman, .8, ActFixed},
		{"换个人跟我说就好了", AskedResult, ActHuman, .8, ActHuman},
		{"no other customers yet", AskedOther, ActNo, .9, ActUnsure},
		{"好了一单 第二单又挂了", AskedResult, ActFixed, .7, ActNotFixed},
		{"it scanned once but then it stopped", AskedResult, ActFixed, .7, ActNotFixed},
		{"it came back by itself", AskedResult, ActTopic, .7, ActFixed},
		{"没能扫上", AskedResult, ActFixed, .33, ActNotFixed},
		{"客人退出重进了，付款码还是扫不了", AskedResult, ActTopic, .5, ActNotFixed},
		{"微信码认了", AskedResult, ActYes, .3, ActFixed},
		{"no, dead silent, nothing on the screen", AskedResult, ActTopic, .5, ActNotFixed},
		{"没试过别的", AskedWorks, ActNo, .6, ActUnsure},
		{"其他人没问题的", AskedFails, ActUnsure, .3, ActNo},
		{"就她一个客人", AskedFails, ActNo, .6, ActUnsure},
		{"nobody else here", AskedFails, ActNo, .6, ActUnsure},
		{"can't test, nobody else", AskedFails, ActSkip, .8, ActSkip},
		{"不懂，装机师傅弄的", AskedCheck, ActHuman, .5, ActUnsure},
		{"不知道为什么不亮", AskedOn, ActNo, .7, ActNo},
		{"idk, ask the owner", AskedCheck, ActHuman, .5, ActUnsure},
		{"no idea how many days", AskedCheck, ActNo, .7, ActUnsure},
		{"yes as soon as I unplug it", AskedCheck, ActFixed, .4, ActYes},
		{"yes but not today", AskedCheck, ActNo, .4, ActNo},
		{"对，没有", AskedCheck, ActNo, .5, ActNo},
		{"with what", AskedResult, ActTopic, .4, ActUnsure},
		{"湿纸巾行不行", AskedResult, ActNotFixed, .4, ActUnsure},
		{"按住几秒啊", AskedResult, ActTopic, .3, ActUnsure},
		{"where exactly is this light", AskedReacts, ActYes, .5, ActUnsure},
		{"how long until the money arrives", AskedResult, ActTopic, .9, ActTopic},
		{"cannot restart, a bill is open", AskedResult, ActNotFixed, .6, ActSkip},
		{"机器固定的，拿不动", AskedResult, ActTopic, .4, ActSkip},
		{"cannot scan", AskedResult, ActNotFixed, .6, ActNotFixed},
		{"本来就最亮", AskedResult, ActYes, .7, ActNotFixed},
		{"already at max", AskedResult, ActSkip, .4, ActNotFixed},
		{"调到最亮了", AskedResult, ActYes, .7, ActYes},
		{"换个新码过了", AskedResult, ActFixed, .4, ActFixed},
		{"net's back", AskedResult, ActBack, .4, ActFixed},
		{"won't start", AskedResult, ActRestart, .6, ActNotFixed},
		{"get me a person, it won't start", AskedResult, ActHuman, .6, ActHuman},
	} {
		if got, score := reread(tt.act, tt.score, Normalise(tt.answer), tt.asked); got != tt.want || score < tt.score {
			t.Errorf("%q, taken for %s with %.1f, is %s with %.2f; want %s", tt.answer, tt.act, tt.score, got, score, tt.want)
		}
	}
	if _, score := reread(ActFixed, .3, "new code, paid", AskedResult); score < plainly {
		t.Errorf("a plain success is fixed with %.2f only", score)
	}
	for _, answer := range []string{"别人都能付", "paid, but not through", "擦过了", "能扫了吗"} {
		if _, score := reread(ActFixed, .3, Normalise(answer), AskedResult); score >= plainly {
			t.Errorf("%q is no plain success", answer)
		}
	}
}
