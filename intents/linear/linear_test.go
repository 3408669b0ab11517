package linear_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tilldesk/intents/linear"
)

// outside marks the test messages that belong to no label.
const outside = "-"

// library reads messages to a public library: label, tab, text.
func library(t testing.TB, part string) []linear.Example {
	t.Helper()
	file, err := os.ReadFile("testdata/library." + part + ".tsv")
	if err != nil {
		t.Fatal(err)
	}
	var out []linear.Example
	for line := range strings.Lines(string(file)) {
		label, text, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if !ok {
			t.Fatalf("library.%s.tsv: %q has no tab", part, line)
		}
		out = append(out, linear.Example{Text: text, Label: label})
	}
	return out
}

func train(t testing.TB, examples []linear.Example, opt linear.Options) *linear.Model {
	t.Helper()
	m, err := linear.Train(context.Background(), examples, opt)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestTrainRefuses(t *testing.T) {
	stopped, stop := context.WithCancelCause(context.Background())
	reason := errors.New("shutting down")
	stop(reason)
	one := []linear.Example{{Text: "hello", Label: "greet"}}
	for _, tt := range []struct {
		name     string
		ctx      context.Context
		examples []linear.Example
		want     string
	}{
		{"nothing", context.Background(), nil, "train on 0 examples: nothing to learn from; give at least one example"},
		{"no label", context.Background(), append(one, linear.Example{Text: "bye"}), `row 2, "bye", has no label`},
		{"cancelled", stopped, one, "shutting down"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := linear.Train(tt.ctx, tt.examples, linear.Options{})
			if err == nil || !strings.Contains(err.Error(), tt.want) || m != nil {
				t.Errorf("Train = %v, %v; want the error %q", m, err, tt.want)
			}
		})
	}
	if _, err := linear.Train(stopped, one, linear.Options{}); !errors.Is(err, reason) {
		t.Errorf("Train returned %v, which does not wrap the context's cause", err)
	}
}

func TestClassify(t *testing.T) {
	m := train(t, library(t, "train"), linear.Options{})
	for _, tt := range []struct{ name, text, want string }{
		{"english", "please renew my two books", "renew"},
		{"chinese", "请问借书证丢了怎么补", "card"},
		{"mixed, said in chinese", "ebook 在平板上看不了", "ebook"},
		{"mixed, said in english", "can i 续借 this book", "renew"},
		{"inflected", "renewing my loans", "renew"},
		{"misspelt", "reserv a boook that is lentt out", "reserve"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, _ := m.Classify(tt.text, make([]linear.Guess, 0, 1))
			if len(got) != 1 || got[0].Label != tt.want {
				t.Errorf("Classify(%q) = %v, want %s", tt.text, got, tt.want)
			}
		})
	}
}

// TestTrainParts divides a label into parts: the label is learnt as without
// them, and the part is the one whose examples a text is like, in either language.
func TestTrainParts(t *testing.T) {
	examples := library(t, "train")
	parts := make([]string, len(examples))
	for _, e := range []struct{ text, part string }{
		{"the parking lot is full on saturdays", "parking/full"},
		{"where do i park near the library", "parking/where"},
		{"周末停车场满了", "parking/full"},
		{"图书馆附近哪里停车", "parking/where"},
	} {
		examples, parts = append(examples, linear.Example{Text: e.text, Label: "parking"}), append(parts, e.part)
	}
	opt := linear.Options{Ranking: true}
	whole, part, err := linear.TrainParts(t.Context(), examples, parts, opt)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff([]string{"parking/full", "parking/where"}, part.Labels()); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
	for text, want := range map[string]string{
		"is there somewhere to park": "parking/where", "no parking on saturday, all full": "parking/full",
		"哪里可以停车": "parking/where", "停车场又满了": "parking/full",
	} {
		if got := checkGuesses(t, part, text); got[0].Label != want {
			t.Errorf("%q is put down to %v, want %s", text, got, want)
		}
	}
	alone, none, err := linear.TrainParts(t.Context(), examples, make([]string, len(examples)), opt)
	if err != nil || none != nil {
		t.Fatalf("without parts there is a model of them, %v, or %v", none, err)
	}
	one, err := whole.AppendBinary(nil)
	other, err2 := alone.AppendBinary(nil)
	if err = errors.Join(err, err2); err != nil || !bytes.Equal(one, other) {
		t.Errorf("parts change what is learnt of the whole: %v", err)
	}
}

// TestLibrary holds the whole to what it reached when it was written: on 48
// messages that it did not see, and 20 that no label is for.
func TestLibrary(t *testing.T) {
	m := train(t, library(t, "train"), linear.Options{})
	var right, scores float64
	var in, out []float64
	top := make([]linear.Guess, 0, 1)
	for _, e := range library(t, "test") {
		got, known := m.Classify(e.Text, top)
		if e.Label == outside {
			out = append(out, known)
			continue
		}
		in = append(in, known)
		scores += got[0].Score
		if got[0].Label == e.Label {
			right++
		} else {
			t.Logf("%q: %s %.2f, known %.2f; want %s", e.Text, got[0].Label, got[0].Score, known, e.Label)
		}
	}
	accuracy, confidence := right/float64(len(in)), scores/float64(len(in))
	above := 0.0
	for _, i := range in {
		for _, o := range out {
			if i > o {
				above++
			}
		}
	}
	auroc := above / float64(len(in)*len(out))
	t.Logf("accuracy %.3f, mean score %.3f, AUROC %.3f", accuracy, confidence, auroc)
	if accuracy < .93 {
		t.Errorf("accuracy %.3f, want at least .93", accuracy)
	}
	if auroc < .95 {
		t.Errorf("AUROC of known %.3f, want at least .95", auroc)
	}
	// The score counts on one message in five from outside; here are none.
	if confidence > accuracy || confidence < accuracy-.2 {
		t.Errorf("mean score %.3f of messages of which %.3f are right", confidence, accuracy)
	}
}

// TestScoresAreProbabilities compares the scores of messages that were not
// learnt from with how many of them are right, by cross-validation.
func TestScoresAreProbabilities(t *testing.T) {
	type answer struct {
		share float64 // of the best label among all
		right bool
	}
	var answers []answer
	const folds = 4
	all := library(t, "train")
	for fold := range folds {
		var examples, held []linear.Example
		for i, e := range all {
			if i%folds == fold {
				held = append(held, e)
			} else {
				examples = append(examples, e)
			}
		}
		m := train(t, examples, linear.Options{})
		for _, e := range held {
			got, known := m.Classify(e.Text, make([]linear.Guess, 0, 1))
			answers = append(answers, answer{got[0].Score / known, got[0].Label == e.Label})
		}
	}
	slices.SortFunc(answers, func(a, b answer) int { return cmp.Compare(a.share, b.share) })
	for _, part := range []struct {
		name    string
		answers []answer
	}{{"all", answers}, {"unsure half", answers[:len(answers)/2]}, {"sure half", answers[len(answers)/2:]}} {
		var said, right float64
		for _, a := range part.answers {
			said += a.share / float64(len(part.answers))
			if a.right {
				right += 1 / float64(len(part.answers))
			}
		}
		t.Logf("%s: said %.3f, right %.3f", part.name, said, right)
		if math.Abs(said-right) > .12 { // of 80 answers: three standard errors
			t.Errorf("%s: %.3f are right, the scores say %.3f", part.name, right, said)
		}
	}
}

func TestNames(t *testing.T) {
	examples := library(t, "train")
	names := map[string][]string{"parking": {"parking a car", "停车"}, "renew": {"renew a loan"}}
	m := train(t, examples, linear.Options{Names: names})
	want := []string{"card", "donate", "ebook", "fine", "hours", "parking", "renew", "reserve", "room"}
	if diff := gocmp.Diff(want, m.Labels()); diff != "" {
		t.Errorf("Labels (-want +got):\n%s", diff)
	}
	for _, text := range []string{"where is parking for my car", "停车在哪里"} {
		if got, _ := m.Classify(text, make([]linear.Guess, 0, 1)); got[0].Label != "parking" {
			t.Errorf("Classify(%q) = %v, want the label that has a name and no example", text, got)
		}
	}
}

func TestFewLabels(t *testing.T) {
	for _, tt := range []struct {
		name     string
		examples []linear.Example
	}{
		{"one example", []linear.Example{{Text: "hello there", Label: "greet"}}},
		{"one label", []linear.Example{{Text: "hello there", Label: "greet"}, {Text: "good morning", Label: "greet"}}},
		{"two labels", []linear.Example{{Text: "hello there", Label: "greet"}, {Text: "再见", Label: "leave"}}},
		{"twice the same", []linear.Example{{Text: "hello", Label: "greet"}, {Text: "hello", Label: "leave"}, {Text: "hello", Label: "leave"}}},
		{"nothing in it", []linear.Example{{Text: "", Label: "greet"}, {Text: "...", Label: "leave"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := train(t, tt.examples, linear.Options{})
			for _, e := range tt.examples {
				checkGuesses(t, m, e.Text)
			}
			checkGuesses(t, m, "something else 别的")
		})
	}
}

// checkGuesses fails unless the guesses for text are what Classify promises of
// any text. It returns the labels, best first.
func checkGuesses(t interface{ Fatalf(string, ...any) }, m *linear.Model, text string) []linear.Guess {
	labels := m.Labels()
	got, known := m.Classify(text, make([]linear.Guess, 0, len(labels)+3))
	if len(got) != len(labels) {
		t.Fatalf("%q: %d guesses of %d labels", text, len(got), len(labels))
	}
	if !(known >= 0 && known <= 1) {
		t.Fatalf("%q: known %v", text, known)
	}
	sum, last := 0.0, 1.0
	var seen []string
	for _, g := range got {
		if !(g.Score >= 0 && g.Score <= last) {
			t.Fatalf("%q: score %v after %v", text, g.Score, last)
		}
		sum, last = sum+g.Score, g.Score
		seen = append(seen, g.Label)
	}
	if math.Abs(sum-known) > 1e-9 {
		t.Fatalf("%q: scores add up to %v, not to known %v", text, sum, known)
	}
	if slices.Sort(seen); !slices.Equal(seen, labels) {
		t.Fatalf("%q: guesses %v, want each label once", text, seen)
	}
	best, again := m.Classify(text, make([]linear.Guess, 0, 2))
	if want := got[:min(2, len(got))]; !slices.Equal(best, want) || again != known {
		t.Fatalf("%q: the best two are %v, known %v; among all they were %v, %v", text, best, again, want, known)
	}
	return got
}

func TestClassifyAnyText(t *testing.T) {
	m := train(t, library(t, "train"), linear.Options{})
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOf(rapid.SampledFrom([]string{"renew", "book", "续借", "读者证", "丢", "'", "👍", "\xff", "３", "é", "\u0301", " "}))
		text := strings.Join(words.Draw(t, "words"), rapid.SampledFrom([]string{"", " ", "，"}).Draw(t, "between"))
		checkGuesses(t, m, text+rapid.String().Draw(t, "tail"))
	})
	if got, _ := m.Classify("renew", nil); len(got) != 0 {
		t.Errorf("Classify with no room for guesses returned %v", got)
	}
}

func FuzzClassify(f *testing.F) {
	m := train(f, library(f, "train"), linear.Options{})
	for _, s := range []string{"", "续借 renew", "\xff\xfe", "''''", "👍👍", strings.Repeat("a", 5000), strings.Repeat("书 book ", 3000), "\u0301\u0301", "ﷺ한국어ไทย"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) { checkGuesses(t, m, text) })
}

// TestOnlyTheStartIsRead shows the bound on what a message can cost.
func TestOnlyTheStartIsRead(t *testing.T) {
	m := train(t, library(t, "train"), linear.Options{})
	start := strings.Repeat("渡", 2000)
	want, wantKnown := m.Classify(start, make([]linear.Guess, 0, 8))
	got, known := m.Classify(start+"续借这本书", make([]linear.Guess, 0, 8))
	if diff := gocmp.Diff(want, got); diff != "" || known != wantKnown {
		t.Errorf("what comes after 2000 characters changed the answer (-want +got):\n%s", diff)
	}
}

func TestSameModelEveryTime(t *testing.T) {
	examples := library(t, "train")
	names := map[string][]string{"hours": {"opening hours", "开放时间"}, "room": {"study room"}, "fine": {"late fee"}}
	answers := func(workers, procs int) (out []linear.Guess) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		m := train(t, examples, linear.Options{Names: names, Workers: workers})
		for _, e := range library(t, "test") {
			got, known := m.Classify(e.Text, make([]linear.Guess, 0, 8))
			out = append(append(out, got...), linear.Guess{Label: "known", Score: known})
		}
		return out
	}
	want := answers(1, 1)
	for _, tt := range []struct{ workers, procs int }{{1, 1}, {2, 2}, {3, 1}, {0, 2}, {16, 4}} {
		if diff := gocmp.Diff(want, answers(tt.workers, tt.procs)); diff != "" {
			t.Errorf("%d workers, GOMAXPROCS %d (-want +got):\n%s", tt.workers, tt.procs, diff)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	m := train(t, library(t, "train"), linear.Options{})
	messages := library(t, "test")
	want := make([][]linear.Guess, len(messages))
	for i, e := range messages {
		want[i], _ = m.Classify(e.Text, make([]linear.Guess, 0, 3))
	}
	var wg sync.WaitGroup
	for first := range 8 {
		wg.Go(func() {
			top := make([]linear.Guess, 0, 3)
			for i := range messages {
				n := (i + first*7) % len(messages)
				if got, _ := m.Classify(messages[n].Text, top); !slices.Equal(got, want[n]) {
					t.Errorf("%q: %v, alone it was %v", messages[n].Text, got, want[n])
				}
			}
		})
	}
	wg.Wait()
}
