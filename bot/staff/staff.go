// Package staff knows the people who answer merchants: their accounts, what
// each may do, how each proves who they are, and the record of what they did.
// It knows nothing of pages or requests; package signin does.
package staff

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"tilldesk/content/source"
)

// Errors to be told apart. Each is wrapped in one that names the account.
var (
	// ErrUnknown says that there is no such account, session or code.
	ErrUnknown = errors.New("there is none")
	// ErrTaken says that another account has this name, or this Telegram user.
	ErrTaken = errors.New("the name, the Telegram user or the identity is another account's already")
	// ErrDisabled says that somebody may no longer sign in.
	ErrDisabled = errors.New("the account is disabled")
	// ErrNotStaff says that an identity elsewhere does not make somebody staff.
	ErrNotStaff = errors.New("not in a group of staff")
	// ErrLastLead says that nobody could manage the desk any more.
	ErrLastLead = errors.New("this is the last lead who can sign in; make somebody else a lead first")
)

// ID identifies an account for good: names may change hands, ids never do.
type ID string

// Role is what somebody may do. The zero value may do nothing.
type Role string

// The roles. A lead may do everything that an agent may.
const (
	Agent Role = "agent" // answers merchants
	Lead  Role = "lead"  // also manages staff, settings and merchants' data
)

// Roles lists the roles, from less to more.
var Roles = []Role{Agent, Lead}

// Includes reports whether somebody with role r may do what needs the role
// needs. Nothing includes a role that does not exist.
func (r Role) Includes(needs Role) bool {
	have, want := slices.Index(Roles, r), slices.Index(Roles, needs)
	return want >= 0 && have >= want
}

// Theme is how pages look to somebody.
type Theme string

// The themes; Auto follows the browser.
const (
	Auto  Theme = ""
	Light Theme = "light"
	Dark  Theme = "dark"
)

// Staff is somebody who answers merchants.
type Staff struct {
	ID   ID
	Name string // to sign in with and to be shown; unique whatever its case
	Role Role
	// Lang is the language of the desk for them; empty follows the browser.
	Lang source.Lang
	// Speaks are the languages of merchants that they answer, never empty.
	Speaks   []source.Lang
	Theme    Theme
	Away     bool  // takes no new cases for now
	Telegram int64 // their Telegram user id; 0 if not linked
	Created  time.Time
	Disabled time.Time // since when they cannot sign in; zero if they can
	SignedIn time.Time // last time; zero if never
}

// Enabled reports whether the account may be used.
func (s Staff) Enabled() bool { return s.Disabled.IsZero() }

// Understands reports whether they answer merchants in lang; in an unknown
// language everybody does.
func (s Staff) Understands(lang source.Lang) bool {
	return lang == "" || slices.Contains(s.Speaks, lang)
}

// An Account is somebody with what proves who they are. It must not reach a
// page, a log or an export.
type Account struct {
	Staff
	Password Password
	// Issuer and Subject name the account at an OpenID provider; both are empty
	// if it has none.
	Issuer, Subject string
}

// Password is what is kept of a password.
type Password struct {
	Hash string // by [Hasher.Hash]; empty if there is no password
	// Once says that it was made up by the service and must be changed at the
	// first sign-in.
	Once  bool
	Until time.Time // when a one-time password ends; zero for others
}

// maxName is how many characters a name has at most.
const maxName = 40

// CheckName returns the name as it is stored, or says what is wrong with it.
func CheckName(name string) (string, error) {
	name = norm.NFC.String(strings.TrimSpace(name))
	switch {
	case name == "":
		return "", errors.New("a name is needed")
	case !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }):
		return "", fmt.Errorf("the name %q has characters that cannot be seen; use letters, digits and blanks", name)
	case utf8.RuneCountInString(name) > maxName:
		return "", fmt.Errorf("the name %q is too long; allowed: %d characters", name, maxName)
	}
	return name, nil
}

// visible makes a name that can be stored of what somebody is called
// elsewhere.
func visible(name string) string {
	name = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, name)
	if runes := []rune(name); len(runes) > maxName-4 { // room for a number
		name = string(runes[:maxName-4])
	}
	if name, err := CheckName(name); err == nil {
		return name
	}
	return "staff"
}

// NameKey returns what two names have in common that count as the same.
func NameKey(name string) string {
	return cases.Fold().String(norm.NFKC.String(strings.TrimSpace(name)))
}

// CheckRole returns the role that a text names, or says which there are.
func CheckRole(text string) (Role, error) {
	if !slices.Contains(Roles, Role(text)) {
		return "", fmt.Errorf("%q is no role; allowed: agent, lead", text)
	}
	return Role(text), nil
}
