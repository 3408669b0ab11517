package wechat_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/outbox"
	"tilldesk/bot/store"
	"tilldesk/bot/store/storetest"
	"tilldesk/bot/trial"
	"tilldesk/bot/wechat"
	"tilldesk/bot/wechat/wechattest"
)

// TestPassiveShare writes a hundred encrypted messages a second to the whole
// bot, for two seconds, and says how many were answered by the answer to their
// request. For as long as TILLDESK_WECHAT_LOAD says, on a machine that has
// nothing else to do, nearly all of them must be.
func TestPassiveShare(t *testing.T) {
	if testing.Short() {
		t.Skip("load, with -short")
	}
	const perSecond, merchants = 100, 300
	length, idle := 2*time.Second, false
	if s := os.Getenv("TILLDESK_WECHAT_LOAD"); s != "" {
		idle = true
		var err error
		if length, err = time.ParseDuration(s); err != nil {
			t.Fatal(err)
		}
	}
	k := trial.LittleKnowledge(t)

	a := wechattest.Shop()
	api := wechattest.NewAPI(a)
	db := storetest.Open(t, storetest.SQLite(t), store.Options{})
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	var channel *wechat.Channel
	var err error
	engine := bot.NewEngine(db, k, "test", bot.Options{Hold: func(string) time.Duration { return channel.Hold() }})
	opt := options(a)
	opt.Network = api
	var mu sync.Mutex
	ways := map[wechat.How]int{}
	opt.Observe = func(a wechat.Answer) {
		mu.Lock()
		defer mu.Unlock()
		ways[a.How]++
	}
	if channel, err = wechat.New(engine, db, opt); err != nil {
		t.Fatal(err)
	}
	defer channel.Close()
	box := outbox.New(db, map[string]bot.Channel{wechat.Name: channel}, outbox.Options{})
	engine.Committed = func(bot.ConversationID) { box.Wake() }
	running.Go(func() { engine.Run(ctx) })
	running.Go(func() { box.Run(ctx) })
	callback := httptest.NewServer(channel)
	defer callback.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 200}}
	defer client.CloseIdleConnections()

	lines := []string{"花呗扫不了", "机器没网", "扫不上，嘀的一声没反应", "白条付不了", "好了", "还是不行", "1", "人工什么时候上班", "钱没到账", "你好"}
	var took []time.Duration
	failed := 0
	var senders sync.WaitGroup
	tick := time.NewTicker(time.Second / perSecond)
	defer tick.Stop()
	total := int(length.Seconds() * perSecond)
	for i := range total {
		<-tick.C
		senders.Go(func() {
			from := fmt.Sprintf("o-%d", i%merchants)
			api.Heard(from, wechattest.ByMessage)
			d := a.Deliver(context.Background(), client, callback.URL, from, a.Message(from, "text", "Content", lines[i%len(lines)]).XML())
			mu.Lock()
			defer mu.Unlock()
			took = append(took, d.Took)
			if d.Err != nil {
				failed++
				t.Logf("message %d: %v", i, d.Err)
			}
		})
	}
	senders.Wait()
	slices.Sort(took)
	// Of some there is nothing to be said: a person has the case.
	share := float64(ways[wechat.Passive]) / float64(max(1, total-ways[wechat.Silent]))
	t.Logf("%d messages at %d/s, %d with nothing to say: %.2f %% of the others answered within the request, %d failed; p50 %v, p99 %v, longest %v; %d through the API",
		total, perSecond, ways[wechat.Silent], 100*share, failed, took[len(took)/2], took[len(took)*99/100], took[len(took)-1], len(api.Sent()))
	if failed > 0 || idle && share < 0.95 {
		t.Errorf("%.2f %% of what there was to say went out within the request, want 95 %%; %d failed", 100*share, failed)
	}
	for _, m := range api.Mistakes() {
		t.Error(m)
	}
}
