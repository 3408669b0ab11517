package staff

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"tilldesk/content/source"
)

// A Store keeps accounts. Each change and the entry that records it are one
// transaction; the store gives an entry its number, time and sum. Errors wrap
// ErrUnknown and ErrTaken.
type Store interface {
	// AddStaff stores a new account and returns its id.
	AddStaff(ctx context.Context, a Account, e Entry) (ID, error)
	// AddFirstStaff does so if there has never been an account, and otherwise
	// returns false. Of several processes at once, one adds.
	AddFirstStaff(ctx context.Context, a Account, e Entry) (bool, error)
	// ChangeStaff stores what change makes of an account, unless change fails.
	// No other change of any account comes between; enabled are all that can
	// sign in, without this one. If the role, the password or the identity differs
	// afterwards, or the account is disabled, its sessions are ended.
	ChangeStaff(ctx context.Context, id ID, change func(a *Account, enabled []Staff) error, e Entry) (Account, error)

	Account(ctx context.Context, id ID) (Account, error)
	AccountNamed(ctx context.Context, name string) (Account, error)
	AccountOf(ctx context.Context, issuer, subject string) (Account, error)
	StaffOfTelegram(ctx context.Context, user int64) (Staff, error)
	// AllStaff returns everybody, by name.
	AllStaff(ctx context.Context) ([]Staff, error)

	// EndSessions ends all sessions of somebody, but for the one given.
	EndSessions(ctx context.Context, of ID, but SessionID, e Entry) error

	// AddCode keeps the hash of a code that links an account, instead of any
	// before it; TakeCode removes it and returns whose it was.
	AddCode(ctx context.Context, id ID, hash []byte, until time.Time) error
	TakeCode(ctx context.Context, hash []byte, now time.Time) (ID, error)

	// AddEntry records an action that changes nothing else here.
	AddEntry(ctx context.Context, e Entry) error
	// Entries returns up to limit entries before the number, newest first; 0
	// begins at the newest.
	Entries(ctx context.Context, before int64, limit int) ([]Entry, error)
}

// Accounts adds, finds and changes accounts. It is safe for concurrent use.
type Accounts struct {
	store  Store
	hasher *Hasher
	now    func() time.Time
}

// NewAccounts returns the accounts that a store keeps; now is [time.Now] if nil.
func NewAccounts(store Store, hasher *Hasher, now func() time.Time) *Accounts {
	if now == nil {
		now = time.Now
	}
	return &Accounts{store, hasher, now}
}

// By says who does something, for the audit log.
type By struct {
	ID      ID
	Name    string
	Address string
}

// ByCommand is a command on the machine.
var ByCommand = By{Name: Command}

// Entry returns an entry of the audit log for what by does.
func (by By) Entry(action, object, details string) Entry {
	return Entry{Actor: by.ID, Name: by.Name, Address: by.Address, Action: action, Object: object, Details: details}
}

// onceFor is how long a one-time password can be used.
const onceFor = 7 * 24 * time.Hour

// New is what is known of somebody who gets an account.
type New struct {
	Name     string
	Role     Role          // Agent if empty
	Lang     source.Lang   // of the desk, and spoken with merchants; empty: the browser's, and all
	Speaks   []source.Lang // instead of what follows from Lang, if not empty
	Telegram int64         // 0 if not to be linked
}

func (n New) account(now time.Time) (Account, error) {
	name, err := CheckName(n.Name)
	if err != nil {
		return Account{}, err
	}
	s := Staff{Name: name, Role: n.Role, Lang: n.Lang, Speaks: n.Speaks, Telegram: n.Telegram, Created: now}
	if s.Role == "" {
		s.Role = Agent
	}
	if len(s.Speaks) == 0 {
		s.Speaks = source.Langs
		if n.Lang != "" {
			s.Speaks = []source.Lang{n.Lang}
		}
	}
	return Account{Staff: s}, nil
}

// A Once is a one-time password, to be told to its owner and to nobody else.
type Once struct {
	Password string
	Until    time.Time
}

// once gives the account a one-time password.
func (a *Accounts) once(ctx context.Context, account *Account) (Once, error) {
	once := Once{NewOnce(), a.now().Add(onceFor)}
	hash, err := a.hasher.Hash(ctx, once.Password)
	account.Password = Password{Hash: hash, Once: true, Until: once.Until}
	return once, err
}

// Add makes an account with a one-time password. It fails with ErrTaken if the
// name or the Telegram user is taken.
func (a *Accounts) Add(ctx context.Context, n New, by By) (Staff, Once, error) {
	account, err := n.account(a.now())
	if err != nil {
		return Staff{}, Once{}, err
	}
	once, err := a.once(ctx, &account)
	if err != nil {
		return Staff{}, Once{}, err
	}
	account.ID, err = a.store.AddStaff(ctx, account, by.Entry("staff.add", account.Name, "role "+string(account.Role)))
	return account.Staff, once, err
}

// AddFirst makes the first account, a lead, with a one-time password. It
// reports false if there has been an account before.
func (a *Accounts) AddFirst(ctx context.Context, name string) (Once, bool, error) {
	all, err := a.store.AllStaff(ctx)
	if err != nil || len(all) > 0 {
		return Once{}, false, err
	}
	account, err := New{Name: name, Role: Lead}.account(a.now())
	if err != nil {
		return Once{}, false, err
	}
	once, err := a.once(ctx, &account)
	if err != nil {
		return Once{}, false, err
	}
	added, err := a.store.AddFirstStaff(ctx, account, ByCommand.Entry("staff.add", name, "first start"))
	return once, added, err
}

// Reset gives an account a one-time password and ends its sessions.
func (a *Accounts) Reset(ctx context.Context, id ID, by By) (Once, error) {
	var given Account
	once, err := a.once(ctx, &given)
	if err != nil {
		return Once{}, err
	}
	_, err = a.change(ctx, id, "staff.passwd", "one-time password", by, func(account *Account, _ []Staff) error {
		account.Password = given.Password
		return nil
	})
	return once, err
}

// SetPassword gives an account the password that its owner chose, which
// [WeaknessOf] must have found good, and ends its sessions.
func (a *Accounts) SetPassword(ctx context.Context, id ID, password string, by By) error {
	hash, err := a.hasher.Hash(ctx, password)
	if err != nil {
		return err
	}
	_, err = a.change(ctx, id, "staff.passwd", "own choice", by, func(account *Account, _ []Staff) error {
		account.Password = Password{Hash: hash}
		return nil
	})
	return err
}

// Rehash keeps the password that somebody has just signed in with under the
// cost of today, if it is still theirs. It ends their other sessions.
func (a *Accounts) Rehash(ctx context.Context, was Account, password string) error {
	hash, err := a.hasher.Hash(ctx, password)
	if err != nil {
		return err
	}
	_, err = a.change(ctx, was.ID, "staff.rehash", "", By{ID: was.ID, Name: was.Name}, func(account *Account, _ []Staff) error {
		if account.Password.Hash == was.Password.Hash {
			account.Password.Hash = hash
		}
		return nil
	})
	return err
}

// Disable keeps somebody from signing in and ends their sessions at once. It
// fails with ErrLastLead if by somebody at the desk and no lead would be left;
// a command may.
func (a *Accounts) Disable(ctx context.Context, id ID, by By) error {
	_, err := a.change(ctx, id, "staff.disable", "", by, func(account *Account, others []Staff) error {
		if account.Enabled() {
			account.Disabled = a.now()
		}
		return leadLeft(account, others, by)
	})
	return err
}

// Enable lets somebody sign in again, with the password they had.
func (a *Accounts) Enable(ctx context.Context, id ID, by By) error {
	_, err := a.change(ctx, id, "staff.enable", "", by, func(account *Account, _ []Staff) error {
		account.Disabled = time.Time{}
		return nil
	})
	return err
}

// SetRole changes what somebody may do. It ends their sessions, and fails as
// Disable does.
func (a *Accounts) SetRole(ctx context.Context, id ID, role Role, by By) error {
	if _, err := CheckRole(string(role)); err != nil {
		return err
	}
	_, err := a.change(ctx, id, "staff.role", string(role), by, func(account *Account, others []Staff) error {
		account.Role = role
		return leadLeft(account, others, by)
	})
	return err
}

func leadLeft(account *Account, others []Staff, by By) error {
	if by.Name == Command && by.ID == "" || account.Role == Lead && account.Enabled() {
		return nil
	}
	for _, other := range others {
		if other.Role == Lead {
			return nil
		}
	}
	return ErrLastLead
}

// Preferences are what people set for themselves.
type Preferences struct {
	Lang   source.Lang
	Speaks []source.Lang // of merchants; what it was if empty
	Theme  Theme
}

// Prefer changes the preferences of somebody. What does not exist is ignored.
func (a *Accounts) Prefer(ctx context.Context, id ID, p Preferences, by By) error {
	_, err := a.change(ctx, id, "staff.prefer", "", by, func(account *Account, _ []Staff) error {
		if p.Lang == "" || p.Lang == source.Zh || p.Lang == source.En {
			account.Lang = p.Lang
		}
		if p.Theme == Auto || p.Theme == Light || p.Theme == Dark {
			account.Theme = p.Theme
		}
		if len(p.Speaks) > 0 {
			account.Speaks = p.Speaks
		}
		return nil
	})
	return err
}

// SetAway says whether somebody takes new cases.
func (a *Accounts) SetAway(ctx context.Context, id ID, away bool, by By) error {
	details := "back"
	if away {
		details = "away"
	}
	_, err := a.change(ctx, id, "staff.away", details, by, func(account *Account, _ []Staff) error {
		account.Away = away
		return nil
	})
	return err
}

// LinkTelegram makes a Telegram user somebody's own, or nobody's with user 0.
// It fails with ErrTaken if the user is somebody else's.
func (a *Accounts) LinkTelegram(ctx context.Context, id ID, user int64, by By) error {
	_, err := a.change(ctx, id, "staff.telegram", "", by, func(account *Account, _ []Staff) error {
		account.Telegram = user
		return nil
	})
	return err
}

// codeFor is how long a code that links a Telegram user can be used.
const codeFor = 15 * time.Minute

// LinkCode returns a code that links whoever sends it, once, to this account;
// see Redeem. It ends a code that was given out before.
func (a *Accounts) LinkCode(ctx context.Context, id ID, by By) (code string, until time.Time, err error) {
	code, until = randomGroups(3, 4), a.now().Add(codeFor)
	if err = a.store.AddCode(ctx, id, codeHash(code), until); err == nil {
		err = a.store.AddEntry(ctx, by.Entry("staff.code", string(id), ""))
	}
	if err != nil {
		return "", time.Time{}, fmt.Errorf("making a code for account %s: %w", id, err)
	}
	return code, until, nil
}

// Redeem links the Telegram user who sent a code of LinkCode. It fails with
// ErrUnknown if there is no such code any more, with ErrTaken if the user is
// somebody else's. Limit how often one user may try.
func (a *Accounts) Redeem(ctx context.Context, code string, user int64) (Staff, error) {
	id, err := a.store.TakeCode(ctx, codeHash(code), a.now())
	if err != nil {
		return Staff{}, fmt.Errorf("using a code: %w", err)
	}
	if err := a.LinkTelegram(ctx, id, user, By{ID: id, Name: "telegram"}); err != nil {
		return Staff{}, err
	}
	account, err := a.store.Account(ctx, id)
	return account.Staff, err
}

func codeHash(code string) []byte {
	sum := sha256.Sum256([]byte(strings.ToLower(strings.NewReplacer("-", "", " ", "").Replace(code))))
	return sum[:]
}

// Identity is what an OpenID provider says of somebody.
type Identity struct {
	Issuer, Subject string
	Name            string // what they are called there; may be empty
	Role            Role   // by their groups; empty if none of these is staff
}

// Identify returns the account of an identity, with the role that it has there
// now; at the first time it makes one. A name that is taken gets a number: whoever is
// called like somebody here is not therefore the same. It fails with
// ErrNotStaff if the identity has no role (any more, then its sessions end),
// with ErrDisabled if the account is disabled.
func (a *Accounts) Identify(ctx context.Context, who Identity, by By) (Staff, error) {
	account, err := a.store.AccountOf(ctx, who.Issuer, who.Subject)
	switch {
	case errors.Is(err, ErrUnknown):
		return a.adopt(ctx, who, by)
	case err != nil:
		return Staff{}, err
	case !account.Enabled():
		return Staff{}, fmt.Errorf("signing in %s: %w", account.ID, ErrDisabled)
	case who.Role == "":
		err := a.store.EndSessions(ctx, account.ID, "", by.Entry("session.end", string(account.ID), "in no group of staff any more"))
		return Staff{}, errors.Join(ErrNotStaff, err)
	case who.Role != account.Role:
		account, err = a.change(ctx, account.ID, "staff.role", string(who.Role), by, func(account *Account, _ []Staff) error {
			account.Role = who.Role
			return nil
		})
	}
	return account.Staff, err
}

// adopt makes an account for an identity.
func (a *Accounts) adopt(ctx context.Context, who Identity, by By) (Staff, error) {
	if who.Role == "" {
		return Staff{}, ErrNotStaff
	}
	base := visible(who.Name)
	for n := 1; ; n++ {
		name := base
		if n > 1 {
			name = fmt.Sprintf("%s %d", base, n)
		}
		account, err := New{Name: name, Role: who.Role}.account(a.now())
		if err != nil {
			return Staff{}, err
		}
		account.Issuer, account.Subject = who.Issuer, who.Subject
		account.ID, err = a.store.AddStaff(ctx, account, by.Entry("staff.add", account.Name, "role "+string(account.Role)+", first sign-in"))
		if err == nil || !errors.Is(err, ErrTaken) || n == mostNamed {
			return account.Staff, err
		}
		// Two sign-ins at once may both have found nobody.
		if other, oerr := a.store.AccountOf(ctx, who.Issuer, who.Subject); oerr == nil {
			return other.Staff, nil
		}
	}
}

// mostNamed is how many people of one name get an account.
const mostNamed = 99

// Get returns somebody by id, or ErrUnknown.
func (a *Accounts) Get(ctx context.Context, id ID) (Staff, error) {
	account, err := a.store.Account(ctx, id)
	return account.Staff, err
}

// Named returns somebody by name, whatever its case, or ErrUnknown.
func (a *Accounts) Named(ctx context.Context, name string) (Staff, error) {
	account, err := a.store.AccountNamed(ctx, name)
	return account.Staff, err
}

// OfTelegram returns who a Telegram user is, or ErrUnknown. Somebody who is
// disabled is unknown too.
func (a *Accounts) OfTelegram(ctx context.Context, user int64) (Staff, error) {
	s, err := a.store.StaffOfTelegram(ctx, user)
	if err == nil && !s.Enabled() {
		err = fmt.Errorf("finding Telegram user %d: %w", user, ErrUnknown)
	}
	if err != nil {
		return Staff{}, err
	}
	return s, nil
}

// All returns everybody by name, also those who are disabled.
func (a *Accounts) All(ctx context.Context) ([]Staff, error) { return a.store.AllStaff(ctx) }

// Record adds an entry to the audit log, for what is changed elsewhere.
func (a *Accounts) Record(ctx context.Context, e Entry) error { return a.store.AddEntry(ctx, e) }

// Entries returns up to limit entries of the audit log before the number,
// newest first; 0 begins at the newest.
func (a *Accounts) Entries(ctx context.Context, before int64, limit int) ([]Entry, error) {
	return a.store.Entries(ctx, before, limit)
}

func (a *Accounts) change(ctx context.Context, id ID, action, details string, by By, change func(*Account, []Staff) error) (Account, error) {
	account, err := a.store.ChangeStaff(ctx, id, change, by.Entry(action, string(id), details))
	if err != nil {
		return Account{}, fmt.Errorf("changing account %s: %w", id, err)
	}
	return account, nil
}
