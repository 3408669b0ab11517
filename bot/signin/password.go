package signin

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"tilldesk/bot/staff"
)

// Tries without delay: of one account from browsers that its owner never used,
// of one such browser, and from one address, where a whole team may sit.
const (
	freeOfAccount = 5
	freeOfBrowser = 8
	freeOfAddress = 20
)

// browserFor is how long a browser is known after its owner signed in with it.
const browserFor = 180 * 24 * time.Hour

// A refusal is why somebody was not signed in.
type refusal struct {
	status int
	key    string // of the words to say
	wait   time.Duration
}

// authenticate returns the account with this name and password, or why not. An
// unknown name takes as long, and is answered in the same way, as a wrong
// password.
func (g *Gate) authenticate(ctx context.Context, r *http.Request, name, password string) (staff.Account, *refusal, error) {
	account, err := g.store.AccountNamed(ctx, name)
	if err != nil && !errors.Is(err, staff.ErrUnknown) {
		return staff.Account{}, nil, err
	}
	known := false
	if token := g.cookie(r, browserCookie); token != "" && account.ID != "" {
		if known, err = g.store.KnowsBrowser(ctx, staff.TokenHash(token), account.ID, g.opt.Now()); err != nil {
			return staff.Account{}, nil, err
		}
	}
	hash := account.Password.Hash
	own := staff.Try{Who: "account:" + shorten(staff.NameKey(name), 200), Free: freeOfAccount}
	counted := []staff.Try{own, {Who: "address:" + g.address(r), Free: freeOfAddress}}
	if known {
		// Strangers who guess, even from the same address, do not keep out the owner.
		own = staff.Try{Who: "browser:" + string(account.ID) + ":" + hex.EncodeToString(staff.TokenHash(g.cookie(r, browserCookie))), Free: freeOfBrowser}
		counted = []staff.Try{own}
	}
	if staff.IsOnce(password) {
		// Nobody guesses one of these, so they need no delay by account: a new
		// one is the way in for an owner whose account strangers keep busy.
		// Whether an account has one now must not show.
		counted = counted[len(counted)-1:]
		if !account.Password.Once {
			hash = ""
		}
	}
	wait, err := g.store.Try(ctx, g.opt.Now(), counted...)
	if err != nil {
		return staff.Account{}, nil, err
	}
	if wait > 0 {
		return staff.Account{}, &refusal{http.StatusTooManyRequests, "wait", wait}, nil
	}

	usable := account.Enabled() && (!account.Password.Once || g.opt.Now().Before(account.Password.Until))
	right, stale, err := g.hasher.Check(ctx, hash, password)
	if errors.Is(err, staff.ErrBusy) {
		return staff.Account{}, &refusal{http.StatusServiceUnavailable, "busy", 5 * time.Second}, nil
	}
	if err != nil {
		return staff.Account{}, nil, err
	}
	if !right || !usable {
		// In the log and not in the audit log, which strangers could fill.
		g.opt.Log.Warn("a sign-in was refused", "account", account.ID, "address", g.address(r))
		return staff.Account{}, &refusal{http.StatusUnauthorized, "wrong", 0}, nil
	}
	takeBack := slices.DeleteFunc(counted, func(t staff.Try) bool { return t == own })
	if err := g.store.Succeed(ctx, []staff.Try{own}, takeBack); err != nil {
		return staff.Account{}, nil, err
	}
	if stale && !account.Password.Once {
		if err := g.accounts.Rehash(ctx, account, password); err != nil {
			return staff.Account{}, nil, err
		}
	}
	return account, nil, nil
}

// remember lets the browser be known again.
func (g *Gate) remember(ctx context.Context, w http.ResponseWriter, r *http.Request, id staff.ID) error {
	now := g.opt.Now()
	token := g.cookie(r, browserCookie)
	if len(token) < 20 || len(token) > 64 {
		token = staff.NewToken()
	}
	if err := g.store.AddBrowser(ctx, staff.TokenHash(token), id, now.Add(browserFor)); err != nil {
		return err
	}
	g.setCookie(w, browserCookie, token, now.Add(browserFor))
	return nil
}

// home is where somebody goes who was on the way to nowhere.
const home = "/desk/"

// next returns the page of the desk that somebody was on the way to, and home
// for any other address.
func next(path string) string {
	raw, _, _ := strings.Cut(path, "?")
	page, err := url.PathUnescape(raw) // browsers take %2e for a dot
	if err != nil || !strings.HasPrefix(raw, home) || strings.HasPrefix(raw, "/desk/sign") || len(path) > 1000 ||
		strings.Contains(page, "//") || strings.Contains(page, "/.") ||
		strings.ContainsFunc(page+path, func(r rune) bool { return r < ' ' || r == '\\' || r == 0x7f }) || strings.Contains(path, " ") {
		return home
	}
	return path
}
