package trial

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Lines are what merchants write, in both languages: symptoms, answers, thanks
// and things that no bot understands.
var Lines = []string{
	"花呗扫不了", "没有", "不清楚", "还是不行", "重新来", "扫码枪没反应", "好了", "你好", "白条用不了怎么办", "网络断了",
	"the scanner does not beep", "no", "still the same", "it works now", "thanks", "客人付了钱我这边没收到", "屏幕黑屏",
	"打印机不出纸", "what are your fees", "错误码 51", "是的", "asdf qwer", "收款码过期了", "怎么退款",
}

// Line returns what a merchant writes as message n.
func Line(n int) string { return Lines[n%len(Lines)] }

// Times are how long something took, each time. It is safe for concurrent use;
// the zero Times is empty.
type Times struct {
	mu  sync.Mutex
	all []time.Duration
}

// Add adds one.
func (t *Times) Add(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = append(t.all, d)
}

// Len returns how many there are.
func (t *Times) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.all)
}

// Quantile returns the least time that the share q of all did not exceed; 0 if
// there is none.
func (t *Times) Quantile(q float64) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.all) == 0 {
		return 0
	}
	slices.Sort(t.all)
	return t.all[min(int(q*float64(len(t.all))), len(t.all)-1)]
}

func (t *Times) String() string {
	round := func(q float64) time.Duration { return t.Quantile(q).Round(100 * time.Microsecond) }
	return fmt.Sprintf("p50 %v, p99 %v, max %v of %d", round(0.5), round(0.99), round(1), t.Len())
}

// Steady calls do, numbered from 0, so many times a second for so long, each in
// a goroutine of its own: how many come does not depend on how fast they are
// served. at is when a call was due, to measure from. It returns once all
// calls have.
func Steady(ctx context.Context, perSecond float64, d time.Duration, do func(n int, at time.Time)) {
	var all sync.WaitGroup
	defer all.Wait()
	begin := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for n := range int(perSecond * d.Seconds()) {
		at := begin.Add(time.Duration(float64(n) / perSecond * float64(time.Second)))
		timer.Reset(time.Until(at))
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		all.Go(func() { do(n, at) })
	}
}

// Crowd lets so many clients call do until ctx ends, each one again as soon as
// it returns. n numbers the calls of a client from 0. It returns once all
// calls have.
func Crowd(ctx context.Context, clients int, do func(client, n int)) {
	var all sync.WaitGroup
	for client := range clients {
		all.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				do(client, n)
			}
		})
	}
	all.Wait()
}
