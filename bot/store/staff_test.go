package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tilldesk/bot/staff"
	"tilldesk/bot/store"
	"tilldesk/bot/store/storetest"
	"tilldesk/content/source"
)

// account is an account with everything that one can have.
func account(name string) staff.Account {
	at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	return staff.Account{
		Staff: staff.Staff{
			Name: name, Role: staff.Agent, Lang: source.En, Speaks: []source.Lang{source.Zh, source.En}, Theme: staff.Dark, Away: true,
			Telegram: int64(len(name)) << 40, Created: at, SignedIn: at.Add(time.Hour),
		},
		Password: staff.Password{Hash: "hash of " + name, Once: true, Until: at.Add(24 * time.Hour)},
		Issuer:   "https://login.example", Subject: "subject of " + name,
	}
}

var entry = staff.By{ID: "who", Name: "Who", Address: "192.0.2.1"}.Entry("test", "object", "details")

func addStaff(t *testing.T, db *store.DB, a staff.Account) staff.ID {
	t.Helper()
	id, err := db.AddStaff(t.Context(), a, entry)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestStaff(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		db := storetest.Open(t, dsn, store.Options{})
		ctx := t.Context()
		want := account("Änna\x00")
		want.ID = addStaff(t, db, want)
		want.Name, want.Password.Hash = "Änna", "hash of Änna" // PostgreSQL holds no NUL
		for what, get := range map[string]func() (staff.Account, error){
			"Account":      func() (staff.Account, error) { return db.Account(ctx, want.ID) },
			"AccountNamed": func() (staff.Account, error) { return db.AccountNamed(ctx, "ÄNNA") },
			"AccountOf":    func() (staff.Account, error) { return db.AccountOf(ctx, want.Issuer, "subject of Änna") },
		} {
			got, err := get()
			got.Subject, want.Subject = "", ""
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%s: %v (-want +got):\n%s", what, err, diff)
			}
		}
		if got, err := db.StaffOfTelegram(ctx, want.Telegram); err != nil || got.ID != want.ID {
			t.Errorf("StaffOfTelegram: %+v, %v", got, err)
		}
		for _, err := range []error{
			second(db.Account(ctx, "nobody")), second(db.Account(ctx, "\x00")), second(db.AccountNamed(ctx, "nobody")), second(db.AccountNamed(ctx, "\xff")),
			second(db.AccountOf(ctx, "", "")), second(db.StaffOfTelegram(ctx, 0)), second(db.TakeCode(ctx, []byte("x"), time.Now())),
			second(db.ChangeStaff(ctx, "nobody", func(*staff.Account, []staff.Staff) error { return nil }, entry)),
			db.AddCode(ctx, "nobody", []byte("x"), time.Now()), db.EndSession(ctx, want.ID, "nothing", entry),
		} {
			if !errors.Is(err, staff.ErrUnknown) {
				t.Errorf("of what is not there: %v, want ErrUnknown", err)
			}
		}

		// What must be unique stays so, added or changed.
		other := account("bob")
		bob := addStaff(t, db, other)
		for what, change := range map[string]func(*staff.Account){
			"name":     func(a *staff.Account) { a.Name = "änna" },
			"telegram": func(a *staff.Account) { a.Telegram = want.Telegram },
			"identity": func(a *staff.Account) { a.Subject = "subject of Änna\x00" },
		} {
			a := account("carl")
			change(&a)
			if _, err := db.AddStaff(ctx, a, entry); !errors.Is(err, staff.ErrTaken) {
				t.Errorf("adding another with the same %s: %v, want ErrTaken", what, err)
			}
			if _, err := db.ChangeStaff(ctx, bob, func(a *staff.Account, _ []staff.Staff) error { change(a); return nil }, entry); !errors.Is(err, staff.ErrTaken) {
				t.Errorf("changing to the same %s: %v, want ErrTaken", what, err)
			}
		}
		// Nobody is unlinked twice.
		for _, id := range []staff.ID{want.ID, bob} {
			if _, err := db.ChangeStaff(ctx, id, func(a *staff.Account, _ []staff.Staff) error {
				a.Telegram, a.Issuer, a.Subject = 0, "", ""
				return nil
			}, entry); err != nil {
				t.Error(err)
			}
		}
		boom := errors.New("boom")
		if _, err := db.ChangeStaff(ctx, bob, func(a *staff.Account, enabled []staff.Staff) error {
			if len(enabled) != 1 || enabled[0].ID != want.ID {
				t.Errorf("the others are %+v", enabled)
			}
			a.Role = staff.Lead
			return boom
		}, entry); !errors.Is(err, boom) {
			t.Error(err)
		}
		all, err := db.AllStaff(ctx)
		if err != nil || len(all) != 2 || all[0].Name != "bob" || all[0].Role != staff.Agent {
			t.Errorf("AllStaff: %+v, %v", all, err)
		}
		if err := db.CheckAudit(ctx); err != nil {
			t.Error(err)
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestFirstStaff(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		db := storetest.Open(t, dsn, store.Options{})
		var all sync.WaitGroup
		added := make(chan bool, 8)
		for range cap(added) {
			all.Go(func() {
				ok, err := db.AddFirstStaff(t.Context(), account("admin"), entry)
				if err != nil {
					t.Error(err)
				}
				added <- ok
			})
		}
		all.Wait()
		n := 0
		for range cap(added) {
			if <-added {
				n++
			}
		}
		people, err := db.AllStaff(t.Context())
		if n != 1 || len(people) != 1 || err != nil {
			t.Errorf("%d starts have added, there are %d, %v", n, len(people), err)
		}
	})
}

// TestSessionsEnd changes an account in each way: what takes rights away or
// proves somebody anew ends the sessions, what does not leaves them.
func TestSessionsEnd(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
		db := storetest.Open(t, dsn, store.Options{Now: func() time.Time { return now }})
		for i, tt := range []struct {
			name   string
			change func(*staff.Account)
			ends   bool
		}{
			{"nothing", func(*staff.Account) {}, false},
			{"language", func(a *staff.Account) { a.Lang = source.Zh }, false},
			{"away", func(a *staff.Account) { a.Away = false }, false},
			{"telegram", func(a *staff.Account) { a.Telegram = 5 }, false},
			{"role", func(a *staff.Account) { a.Role = staff.Lead }, true},
			{"password", func(a *staff.Account) { a.Password.Hash += "x" }, true},
			{"identity", func(a *staff.Account) { a.Subject = "another" }, true},
			{"disabled", func(a *staff.Account) { a.Disabled = now }, true},
		} {
			a := account(fmt.Sprint(tt.name, i))
			a.Telegram = 0
			id := addStaff(t, db, a)
			hash, browser, code := []byte("token of "+tt.name), []byte("browser of "+tt.name), []byte("code of "+tt.name)
			if _, err := db.AddSession(t.Context(), staff.Session{Staff: id, Hash: hash, Created: now, Seen: now, Ends: now.Add(time.Hour)}, nil, entry); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(db.AddBrowser(t.Context(), browser, id, now.Add(time.Hour)), db.AddCode(t.Context(), id, code, now.Add(time.Hour))); err != nil {
				t.Fatal(err)
			}
			if _, err := db.ChangeStaff(t.Context(), id, func(a *staff.Account, _ []staff.Staff) error { tt.change(a); return nil }, entry); err != nil {
				t.Fatal(err)
			}
			_, _, err := db.Session(t.Context(), hash, now, now.Add(-time.Hour))
			if ended := errors.Is(err, staff.ErrUnknown); ended != tt.ends || !ended && err != nil {
				t.Errorf("%s: the session: %v; it ends: %t", tt.name, err, tt.ends)
			}
			known, err := db.KnowsBrowser(t.Context(), browser, id, now)
			if disabled := tt.name == "disabled"; known == disabled || err != nil {
				t.Errorf("%s: the browser is known: %t, %v", tt.name, known, err)
			}
			if _, err := db.TakeCode(t.Context(), code, now); errors.Is(err, staff.ErrUnknown) != (tt.name == "disabled") {
				t.Errorf("%s: the code: %v", tt.name, err)
			}
			if _, err := db.TakeCode(t.Context(), code, now); !errors.Is(err, staff.ErrUnknown) {
				t.Errorf("%s: a code is good twice: %v", tt.name, err)
			}
		}
	})
}

func TestSessions(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
		db := storetest.Open(t, dsn, store.Options{Now: func() time.Time { return now }})
		ctx := t.Context()
		anna, bob := addStaff(t, db, account("anna")), addStaff(t, db, account("bobby"))
		add := func(of staff.ID, token string, old []byte) staff.SessionID {
			t.Helper()
			id, err := db.AddSession(ctx, staff.Session{Staff: of, Hash: []byte(token), Method: staff.ByPassword, Address: "192.0.2.1", Browser: "x\x00y",
				Created: now, Seen: now, Ends: now.Add(12 * time.Hour)}, old, entry)
			if err != nil {
				t.Fatal(err)
			}
			return id
		}
		idle := func() time.Time { return now.Add(-time.Hour) }
		open := func(token string) bool {
			t.Helper()
			_, a, err := db.Session(ctx, []byte(token), now, idle())
			if err != nil && !errors.Is(err, staff.ErrUnknown) {
				t.Fatal(err)
			}
			return err == nil && a.ID != ""
		}
		one := add(anna, "one", nil)
		now = now.Add(30 * time.Minute)
		two := add(anna, "two", nil)
		other := add(bob, "bob", nil)
		if err := db.EndSession(ctx, bob, one, entry); !errors.Is(err, staff.ErrUnknown) || !open("one") {
			t.Errorf("ending the session of another: %v", err)
		}
		now = now.Add(40 * time.Minute)
		if open("one") || !open("two") {
			t.Error("one is idle for 70 minutes, two for 40")
		}
		list, err := db.Sessions(ctx, anna, now, idle())
		if err != nil || len(list) != 1 || list[0].ID != two || list[0].Browser != "xy" {
			t.Errorf("Sessions: %+v, %v", list, err)
		}
		for range 30 { // used each half hour, it lasts until its end all the same
			if err := db.SeeSession(ctx, two, now); err != nil {
				t.Fatal(err)
			}
			now = now.Add(30 * time.Minute)
		}
		if open("two") {
			t.Error("a session lasts for more than twelve hours")
		}
		add(anna, "three", nil)
		add(anna, "four", []byte("three"))
		if open("three") || !open("four") {
			t.Error("the session that was in the browser before goes on")
		}
		if dump := storetest.Dump(t, dsn)["staff_sessions"]; len(dump) != 1 {
			t.Errorf("sessions that are over stay: %v", dump)
		}
		five := add(anna, "five", nil)
		add(bob, "bob 2", nil)
		if err := db.EndSessions(ctx, anna, five, entry); err != nil || open("four") || !open("five") || !open("bob 2") {
			t.Errorf("EndSessions but one: %v", err)
		}
		if err := db.EndSessions(ctx, anna, "", entry); err != nil || open("five") || !open("bob 2") {
			t.Errorf("EndSessions: %v", err)
		}
		_ = other
		if _, err := db.AddSession(ctx, staff.Session{Staff: "nobody", Hash: []byte("x"), Created: now, Ends: now}, nil, entry); !errors.Is(err, staff.ErrUnknown) {
			t.Errorf("a session of nobody: %v", err)
		}
		// Two people at one counter may use one browser.
		for _, id := range []staff.ID{anna, bob, anna} {
			if err := db.AddBrowser(ctx, []byte("counter"), id, now.Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		for _, id := range []staff.ID{anna, bob} {
			if known, err := db.KnowsBrowser(ctx, []byte("counter"), id, now); !known || err != nil {
				t.Errorf("the browser of two: %t, %v", known, err)
			}
		}
		if known, _ := db.KnowsBrowser(ctx, []byte("counter"), anna, now.Add(2*time.Hour)); known {
			t.Error("a browser is known for longer than it was to be")
		}
	})
}

// TestTriesTogether tries from two replicas at once.
func TestTriesTogether(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
		first := storetest.Open(t, dsn, store.Options{})
		second := first
		if !isSQLite(dsn) {
			second = storetest.Open(t, dsn, store.Options{})
		}
		try := staff.Try{Who: "account:anna", Free: 5}
		many := staff.Try{Who: "address:192.0.2.1", Free: 100}
		var all sync.WaitGroup
		allowed := make(chan bool, 200)
		for i := range cap(allowed) {
			db := []*store.DB{first, second}[i%2]
			all.Go(func() {
				wait, err := db.Try(t.Context(), now, try, many)
				if err != nil {
					t.Error(err)
				}
				allowed <- wait == 0
			})
		}
		all.Wait()
		close(allowed)
		n := 0
		for ok := range allowed {
			if ok {
				n++
			}
		}
		if n != 5 {
			t.Errorf("%d tries at once were allowed, want 5", n)
		}
		wait, err := first.Try(t.Context(), now.Add(10*time.Second), try, many)
		if wait != 20*time.Second || err != nil {
			t.Errorf("10 s later: wait %v, %v", wait, err)
		}
		// What was not allowed does not count against the address either.
		var counted int
		if err := storetest.Raw(t, dsn).QueryRow("SELECT n FROM signin_tries WHERE who = $1", many.Who).Scan(&counted); err != nil || counted != 5 {
			t.Errorf("%d tries are counted by the address, %v", counted, err)
		}
		if err := first.Succeed(t.Context(), []staff.Try{try}, []staff.Try{many}); err != nil {
			t.Error(err)
		}
		if wait, err := second.Try(t.Context(), now.Add(10*time.Second), try); wait != 0 || err != nil {
			t.Errorf("after a success: wait %v, %v", wait, err)
		}
		if _, err := first.Try(t.Context(), now.Add(2*time.Hour), staff.Try{Who: "x", Free: 1}); err != nil {
			t.Error(err)
		}
		if rows := storetest.Dump(t, dsn)["signin_tries"]; len(rows) != 1 {
			t.Errorf("tries are remembered for ever: %v", rows)
		}
	})
}

func isSQLite(dsn string) bool { return dsn[:6] == "sqlite" }

// TestAudit writes from many sides at once, cuts the log, and changes it from
// outside.
func TestAudit(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		var mu sync.Mutex
		now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
		db := storetest.Open(t, dsn, store.Options{Now: func() time.Time { mu.Lock(); defer mu.Unlock(); now = now.Add(time.Minute); return now }})
		ctx := t.Context()
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				for j := range 5 {
					if err := db.AddEntry(ctx, staff.Entry{Actor: "id", Name: "a\x00nna", Action: "x", Object: fmt.Sprint(i, "\xff", j)}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		if err := db.CheckAudit(ctx); err != nil {
			t.Fatal(err)
		}
		page, err := db.Entries(ctx, 0, 15)
		if err != nil || len(page) != 15 || page[0].Seq != 40 || page[14].Seq != 26 {
			t.Errorf("Entries: %d, %v", len(page), err)
		}
		if page, err = db.Entries(ctx, 26, 100); err != nil || len(page) != 25 || page[0].Seq != 25 {
			t.Errorf("Entries before: %d, %v", len(page), err)
		}
		old, err := db.Entries(ctx, 11, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.PurgeAudit(ctx, old[0].At); err != nil { // it stays itself
			t.Fatal(err)
		}
		if err := db.CheckAudit(ctx); err != nil {
			t.Errorf("after a cut: %v", err)
		}
		left, err := db.Entries(ctx, 0, 100)
		if err != nil || len(left) != 32 || left[0].Action != staff.Cut || left[31].Seq != 10 {
			t.Errorf("%d are left, %v: %+v", len(left), err, left[0])
		}
		if err := db.PurgeAudit(ctx, old[0].At); err != nil {
			t.Error(err)
		}
		if again, _ := db.Entries(ctx, 0, 1); again[0].Seq != 41 {
			t.Errorf("there was nothing to cut, and yet there is entry %d", again[0].Seq)
		}
		if err := db.PurgeAudit(ctx, left[0].At.Add(time.Hour)); err != nil { // all of it
			t.Fatal(err)
		}
		if err := errors.Join(db.AddEntry(ctx, entry), db.CheckAudit(ctx)); err != nil {
			t.Errorf("after all was cut: %v", err)
		}

		raw := storetest.Raw(t, dsn)
		for _, change := range []string{
			"UPDATE audit SET name = 'bob' WHERE seq = 43", "UPDATE audit SET details = 'x' WHERE seq = 42", "DELETE FROM audit WHERE seq = 43",
			"DELETE FROM audit WHERE seq = 42", "DELETE FROM audit", "UPDATE audit SET seq = 44 WHERE seq = 43", "UPDATE counters SET n = 42 WHERE name = 'audit'",
		} {
			func() {
				before := storetest.Dump(t, dsn)["audit"]
				defer func() {
					restore(t, dsn, before)
					if _, err := raw.Exec("UPDATE counters SET n = 43 WHERE name = 'audit'"); err != nil {
						t.Fatal(err)
					}
				}()
				if _, err := raw.Exec(change); err != nil {
					t.Fatal(err)
				}
				if err := db.CheckAudit(ctx); !errors.Is(err, staff.ErrTampered) {
					t.Errorf("%s: %v, want ErrTampered", change, err)
				}
			}()
		}
		if err := db.CheckAudit(ctx); err != nil {
			t.Error(err)
		}
	})
}

// restore puts the rows of the audit log back.
func restore(t *testing.T, dsn string, rows []map[string]any) {
	t.Helper()
	raw := storetest.Raw(t, dsn)
	if _, err := raw.Exec("DELETE FROM audit"); err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if _, err := raw.Exec("INSERT INTO audit (seq, at, actor, name, action, object, details, address, sum) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
			r["seq"], r["at"], r["actor"], r["name"], r["action"], r["object"], r["details"], r["address"], bytes.Clone(r["sum"].([]byte))); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNoSecretIsStored looks for what proves somebody in every cell.
func TestNoSecretIsStored(t *testing.T) {
	dsn := storetest.SQLite(t)
	db := storetest.Open(t, dsn, store.Options{})
	accounts := staff.NewAccounts(db, staff.NewHasher(staff.Cost{Memory: 8, Passes: 1, Threads: 1}), nil)
	s, once, err := accounts.Add(t.Context(), staff.New{Name: "anna"}, staff.ByCommand)
	if err != nil {
		t.Fatal(err)
	}
	code, _, err := accounts.LinkCode(t.Context(), s.ID, staff.ByCommand)
	if err != nil {
		t.Fatal(err)
	}
	secrets := []string{once.Password, code, "blue tram over 7 hills"}
	if err := accounts.SetPassword(t.Context(), s.ID, secrets[2], staff.ByCommand); err != nil {
		t.Fatal(err)
	}
	for table, rows := range storetest.Dump(t, dsn) {
		for _, row := range rows {
			for column, value := range row {
				for _, secret := range secrets {
					if slices.ContainsFunc([]string{fmt.Sprint(value), fmt.Sprintf("%s", value)}, func(text string) bool { return bytes.Contains([]byte(text), []byte(secret)) }) {
						t.Errorf("%s.%s has %q", table, column, secret)
					}
				}
			}
		}
	}
	if linked, err := accounts.Redeem(t.Context(), " "+code[:4]+code[5:], 77); err != nil || linked.Telegram != 77 {
		t.Errorf("Redeem: %+v, %v", linked, err)
	}
	if _, err := accounts.Redeem(t.Context(), code, 78); !errors.Is(err, staff.ErrUnknown) {
		t.Errorf("the code again: %v, want ErrUnknown", err)
	}
	if got, err := accounts.OfTelegram(t.Context(), 77); err != nil || got.ID != s.ID {
		t.Errorf("OfTelegram: %+v, %v", got, err)
	}
	if err := accounts.Disable(t.Context(), s.ID, staff.ByCommand); err != nil {
		t.Fatal(err)
	}
	if _, err := accounts.OfTelegram(t.Context(), 77); !errors.Is(err, staff.ErrUnknown) {
		t.Errorf("a disabled account answers on Telegram: %v", err)
	}
}
