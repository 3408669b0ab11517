package content_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tilldesk/bot/trial"
)

var update = flag.Bool("update", false, "write the bot's side of the conversations anew")

// TestConversations plays every conversation of testdata/conversations. After
// a wanted change, run with -update and read the difference before committing.
func TestConversations(t *testing.T) {
	k := trial.Knowledge(t)
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
