package trial

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"tilldesk/bot"
	"tilldesk/content"
	"tilldesk/intents"
	"tilldesk/intents/shelf"
	"tilldesk/kb"
)

// learnt returns the shelf of what tests have learnt: every package and each
// service in a process of its own needs the same, and learning it takes longer
// than most tests, many times longer under the race detector. An engine there
// goes by all that it was learnt from, the program text too; see
// [intents.Set.Digest].
func learnt() *shelf.Shelf {
	s := new(shelf.Shelf)
	if dir, err := os.UserCacheDir(); err == nil { // else each learns for itself
		s.Dir = filepath.Join(dir, "tilldesk-tests")
	}
	return s
}

var builtIn = sync.OnceValues(func() (*content.Content, error) { return content.Load(content.BuiltIn()) })

func once(learn func(context.Context, *content.Content) (*bot.Knowledge, error)) func() (*bot.Knowledge, error) {
	return sync.OnceValues(func() (*bot.Knowledge, error) {
		c, err := builtIn()
		if err != nil {
			return nil, err
		}
		return learn(context.Background(), c)
	})
}

var everything, little = once(learnAll), once(LearnLittle)

func learnAll(ctx context.Context, c *content.Content) (*bot.Knowledge, error) {
	return bot.LearnWith(ctx, learnt().Engine, c.Intents, c.Base, c.Script)
}

func shared(t testing.TB, learn func() (*bot.Knowledge, error)) *bot.Knowledge {
	t.Helper()
	k, err := learn()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Knowledge returns what the bot knows of the built-in content. The tests of a
// process share it: it is neither to be closed nor to be taught.
func Knowledge(t testing.TB) *bot.Knowledge {
	t.Helper()
	return shared(t, everything)
}

// LittleKnowledge returns what [LearnLittle] learns of the built-in content,
// shared as that of [Knowledge] is.
func LittleKnowledge(t testing.TB) *bot.Knowledge {
	t.Helper()
	return shared(t, little)
}

// LearnLittle learns from a handful of the examples and of the articles: enough
// to answer, and quick enough to start a hundred times. It learns the same each
// time.
func LearnLittle(ctx context.Context, c *content.Content) (*bot.Knowledge, error) {
	few := *c.Intents
	few.Examples = nil
	perIntent := map[string]int{}
	for _, ex := range c.Intents.Examples {
		if perIntent[ex.Intent]++; perIntent[ex.Intent] <= 3 {
			few.Examples = append(few.Examples, ex)
		}
	}
	few.Acts = nil
	perAct := map[intents.Act]int{}
	for _, ex := range c.Intents.Acts {
		if perAct[ex.Act]++; perAct[ex.Act] <= 6 {
			few.Acts = append(few.Acts, ex)
		}
	}
	const every = 8
	n := 0
	base := c.Base.Only(func(*kb.Article) bool { n++; return n%every == 1 })
	return bot.LearnWith(ctx, learnt().Engine, &few, base, c.Script)
}
