package content_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tilldesk/bot"
	"tilldesk/content"
)

var update = flag.Bool("update", false, "write the bot's side of the conversations anew")

var learned = sync.OnceValues(func() (*bot.Knowledge, error) {
	c, err := content.Load(content.BuiltIn())
	if err != nil {
		return nil, err
	}
	return bot.Learn(context.Background(), c.Intents, c.Base, c.Script)
})

// learn returns the knowledge of the built-in content; all tests share it.
func learn(t testing.TB) *bot.Knowledge {
	t.Helper()
	k, err := learned()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestConversations plays every conversation of testdata/conversations. After
// a wanted change, run with -update and read the difference before committing.
func TestConversations(t *testing.T) {
	k := learn(t)
	files, err := filepath.Glob("testdata/conversations/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 60 {
		t.Errorf("%d conversations; at least 60 are kept", len(files))
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got, err := k.Replay(t.Context(), string(want))
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s: the bot does otherwise (-want +got):\n%s", file, diff)
			}
		})
	}
}
