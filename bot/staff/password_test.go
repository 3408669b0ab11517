package staff

import (
	"context"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var cheap = Cost{Memory: 8, Passes: 1, Threads: 1}

func TestHasher(t *testing.T) {
	h := NewHasher(cheap)
	ctx := t.Context()
	rapid.Check(t, func(t *rapid.T) {
		password, other := rapid.String().Draw(t, "password"), rapid.String().Draw(t, "other")
		hash, err := h.Hash(ctx, password)
		if err != nil {
			t.Fatal(err)
		}
		if right, stale, err := h.Check(ctx, hash, password); !right || stale || err != nil {
			t.Fatalf("the password itself: %t, %t, %v", right, stale, err)
		}
		if right, _, _ := h.Check(ctx, hash, other); right && NameKey(other) != NameKey(password) {
			t.Fatalf("%q is taken for %q", other, password)
		}
		if strings.Contains(hash, password) && len(password) > 4 {
			t.Fatalf("the password stands in %s", hash)
		}
	})
	one, err := h.Hash(ctx, "same")
	if err != nil {
		t.Fatal(err)
	}
	two, err := h.Hash(ctx, "same")
	if err != nil || one == two {
		t.Errorf("two hashes of one password are the same, %v", err)
	}
	dearer := NewHasher(Cost{Memory: 16, Passes: 2, Threads: 1})
	if right, stale, err := dearer.Check(ctx, one, "same"); !right || !stale || err != nil {
		t.Errorf("a hash of another cost: %t, %t, %v; want right and stale", right, stale, err)
	}
	if right, stale, err := dearer.Check(ctx, one, "other"); right || stale || err != nil {
		t.Errorf("a wrong password is not stale: %t, %t, %v", right, stale, err)
	}
}

// TestNoPassword checks that without a password none is right, not even that
// of the stand-in, and that it costs as much as any other.
func TestNoPassword(t *testing.T) {
	h := NewHasher(cheap)
	for _, password := range []string{"", "x", strings.Repeat("\x00", keyLen)} {
		if right, stale, err := h.Check(t.Context(), "", password); right || stale || err != nil {
			t.Errorf("Check without a hash of %q: %t, %t, %v", password, right, stale, err)
		}
	}
	if cost, _, _, err := parse(h.dummy); err != nil || cost != cheap {
		t.Errorf("the stand-in costs %+v, %v", cost, err)
	}
}

func TestBrokenHashes(t *testing.T) {
	h := NewHasher(cheap)
	good, err := h.Hash(t.Context(), "secret words")
	if err != nil {
		t.Fatal(err)
	}
	for _, hash := range []string{
		"x", "$", "$argon2i" + strings.TrimPrefix(good, "$argon2id"), strings.Replace(good, "v=19", "v=16", 1), good + "$", good[:len(good)-10],
		strings.Replace(good, "m=8", "m=4294967295", 1), strings.Replace(good, "t=1", "t=4000000000", 1), strings.Replace(good, "p=1", "p=0", 1),
		strings.Replace(good, "m=8,t=1,p=1", "m=8", 1), "$argon2id$v=19$m=8,t=1,p=1$$", strings.Replace(good, "m=8", "m=-8", 1),
	} {
		right, _, err := h.Check(t.Context(), hash, "secret words")
		if right || err == nil {
			t.Errorf("%q is taken: %t, %v", hash, right, err)
		}
		if err != nil && len(hash) > 10 && strings.Contains(err.Error(), hash) {
			t.Errorf("the error shows the hash: %v", err)
		}
	}
}

// TestHasherIsBounded fills the queue: one more is told at once.
func TestHasherIsBounded(t *testing.T) {
	h := NewHasher(cheap)
	for range cap(h.slots) {
		h.slots <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	for range maxWaiting {
		go func() {
			_, err := h.Hash(ctx, "x")
			ended <- err
		}()
	}
	for h.waiting.Load() < maxWaiting { // they are on their way
		select {
		case err := <-ended:
			t.Fatal(err)
		default:
		}
	}
	if _, err := h.Hash(ctx, "x"); !errors.Is(err, ErrBusy) {
		t.Errorf("Hash: %v, want ErrBusy", err)
	}
	cancel()
	for range maxWaiting {
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("one that gave up waiting: %v", err)
		}
	}
	for range cap(h.slots) {
		<-h.slots
	}
	if _, err := h.Hash(t.Context(), "x"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestWeakness(t *testing.T) {
	for _, tt := range []struct {
		password, name string
		want           Weakness
	}{
		{"", "anna", TooShort},
		{"short 9..", "anna", TooShort},
		{"密码太短了吧", "anna", TooShort},
		{strings.Repeat("long ", 41), "anna", TooLong},
		{"aaaaaaaaaaaa", "anna", TooPlain},
		{"abababababab", "anna", TooPlain},
		{"1234567890", "anna", TooPlain},
		{"password123", "anna", TooPlain},
		{"Password123!", "anna", TooPlain},
		{"qwertyuiop1", "anna", TooPlain},
		{"tilldesk2026", "anna", TooPlain},
		{"woaini5201314", "anna", TooPlain},
		{"anna-anna-anna", "Anna", TooPlain},
		{"Margarethe12", "margarethe", TooNear},
		{"margarethe margarethe", "Margarethe", TooNear},
		{"blue tram over 7 hills", "anna", None},
		{"correct horse battery", "anna", None},
		{"annas blue tram", "anna", None},
		{"十分安静的绿色台灯旁边", "anna", None},
		{NewOnce(), "anna", LikeOnce},
		{NewOnce()[:19], "anna", None},
		{"x7#kQ9!mZp", "", None},
	} {
		if got := WeaknessOf(tt.password, tt.name); got != tt.want {
			t.Errorf("WeaknessOf(%q, %q) = %q, want %q", tt.password, tt.name, got, tt.want)
		}
	}
}

func TestNewOnce(t *testing.T) {
	seen := map[string]bool{}
	letters := map[rune]int{}
	for range 2000 {
		once := NewOnce()
		if seen[once] || len(once) != 24 || strings.ContainsAny(once, "01loiuv") {
			t.Fatalf("NewOnce gives %q", once)
		}
		seen[once] = true
		for _, r := range once {
			letters[r]++
		}
	}
	// 40,000 letters, some 1,379 of each: six standard deviations are 222.
	for _, r := range onceAlphabet {
		if n := letters[r]; n < 1150 || n > 1610 {
			t.Errorf("%c came %d times in 40000", r, n)
		}
	}
}

func TestCheckName(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"anna", "anna"}, {"  Anna B. ", "Anna B."}, {"王芳", "王芳"}, {"Zoe\u0308", "Zoë"}, {"<script>", "<script>"}, {"O'Neil", "O'Neil"},
		{"", ""}, {" ", ""}, {"a\nb", ""}, {"a\x00b", ""}, {"a\u202eb", ""}, {"a\u200bb", ""}, {"\xff", ""}, {strings.Repeat("x", 41), ""}, {strings.Repeat("王", 40), strings.Repeat("王", 40)},
	} {
		got, err := CheckName(tt.name)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("CheckName(%q) = %q, %v; want %q", tt.name, got, err, tt.want)
		}
		if err != nil && strings.ContainsAny(err.Error(), "\n\x00\u202e") {
			t.Errorf("the error for %q has more than can be seen: %v", tt.name, err)
		}
	}
	for _, pair := range [][2]string{{"Anna", "ANNA"}, {"straße", "STRASSE"}, {"Ａｎｎａ", "anna"}, {" anna", "anna"}} {
		if NameKey(pair[0]) != NameKey(pair[1]) {
			t.Errorf("%q and %q are two", pair[0], pair[1])
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		name := visible(rapid.String().Draw(t, "name"))
		if checked, err := CheckName(name); err != nil || checked != name {
			t.Fatalf("visible gives %q: %v", name, err)
		}
	})
}

func TestRoles(t *testing.T) {
	for _, tt := range []struct {
		have, needs Role
		want        bool
	}{
		{Agent, Agent, true}, {Lead, Agent, true}, {Lead, Lead, true}, {Agent, Lead, false},
		{"", Agent, false}, {"", "", false}, {Lead, "", false}, {"admin", Agent, false}, {Lead, "admin", false}, {"admin", "admin", false},
	} {
		if got := tt.have.Includes(tt.needs); got != tt.want {
			t.Errorf("%q includes %q: %t", tt.have, tt.needs, got)
		}
	}
}

func TestDelays(t *testing.T) {
	try := Try{Free: 5}
	before := try.DelayAfter(0)
	for n := 1; n < 10_000; n++ {
		delay := try.DelayAfter(n)
		if delay < before || delay > maxDelay || (delay == 0) != (n < try.Free) {
			t.Fatalf("after %d tries %v, before that %v", n, delay, before)
		}
		before = delay
	}
}
