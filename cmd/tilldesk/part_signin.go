package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"tilldesk/bot/signin"
	"tilldesk/bot/staff"
	"tilldesk/bot/store"
	"tilldesk/config"
)

// signinPart is the way into the desk. It sets s.staff and s.gate, for the
// parts that have pages there and those that must know who is staff.
func signinPart() part { return part{name: "signin", open: openSignin, examine: examineSignin} }

func openSignin(_ context.Context, s *service) (plug, error) {
	proxies, err := s.cfg.HTTP.Proxies()
	if err != nil {
		return plug{}, fmt.Errorf("http.trusted_proxies: %w", err)
	}
	zone, err := time.LoadLocation(s.cfg.Desk.Timezone)
	if err != nil {
		return plug{}, fmt.Errorf("desk.timezone: %w", err)
	}
	hasher := staff.NewHasher(staff.DefaultCost)
	s.staff = staff.NewAccounts(s.db, hasher, nil)
	gate, err := signin.New(s.staff, hasher, s.db, signin.Options{
		PublicURL: s.cfg.HTTP.PublicURL, TrustedProxies: proxies,
		OpenID:   openID(s.cfg.OIDC),
		Idle:     time.Duration(s.cfg.Signin.IdleMinutes) * time.Minute,
		Absolute: time.Duration(s.cfg.Signin.HoursAtMost) * time.Hour,
		Zone:     zone,
		Log:      s.log,
	})
	if err != nil {
		return plug{}, fmt.Errorf("http.public_url: %w", err)
	}
	s.gate = gate
	return plug{
		routes: func(mux *http.ServeMux) { mux.Handle("/desk/", gate) },
		work:   s.addFirstStaff,
	}, nil
}

// openID returns how staff sign in with a provider, nil if there is none.
func openID(cfg config.OIDC) *signin.OpenID {
	if cfg.Issuer == "" {
		return nil
	}
	agents, leads := cfg.Groups()
	return &signin.OpenID{
		Issuer: cfg.Issuer, ClientID: cfg.ClientID, ClientSecret: cfg.ClientSecret.Reveal(), Name: cfg.Name,
		Scopes: cfg.ScopeList(), GroupsClaim: cfg.GroupsClaim, Agents: agents, Leads: leads,
	}
}

// firstName is the name of the account that the first start makes.
const firstName = "admin"

// addFirstStaff makes the first account when nobody could sign in yet, and
// prints its password: once, on the terminal of whoever started the service,
// and never to the log.
func (s *service) addFirstStaff(ctx context.Context) {
	once, added, err := s.staff.AddFirst(ctx, firstName)
	switch {
	case err != nil && ctx.Err() == nil:
		s.log.Error("the first staff account could not be made; `tilldesk staff add NAME --role lead` makes one", "error", err)
	case added:
		fmt.Fprintf(s.out, "the desk is at /desk/: sign in as %s\n%s", firstName, sayOnce(once))
	}
}

// sayOnce tells a one-time password to whoever may hand it on.
func sayOnce(once staff.Once) string {
	return fmt.Sprintf("one-time password: %s\n(shown only now; it works until %s and is changed at the first sign-in)\n",
		once.Password, once.Until.Local().Format("2006-01-02 15:04"))
}

// examineSignin says who can manage the desk, whether the audit log is what
// was written, and whether the provider answers.
func examineSignin(ctx context.Context, cfg config.Config, db *store.DB) []finding {
	var found []finding
	if db != nil {
		found = append(found, examineStaff(ctx, db), examineAudit(ctx, db))
	}
	if o := openID(cfg.OIDC); o != nil {
		say := finding{"oidc", true, cfg.OIDC.Issuer + " answers"}
		if err := o.Reach(ctx); err != nil {
			say = finding{"oidc", false, oneLine(err) + "; look at oidc.issuer and at the network; passwords work meanwhile"}
		}
		found = append(found, say)
	}
	return found
}

func examineStaff(ctx context.Context, db *store.DB) finding {
	all, err := db.AllStaff(ctx)
	if err != nil {
		return finding{"staff", false, oneLine(err)}
	}
	agents, leads := 0, 0
	for _, s := range all {
		switch {
		case !s.Enabled():
		case s.Role == staff.Lead:
			leads++
		default:
			agents++
		}
	}
	if leads == 0 {
		return finding{"staff", false, fmt.Sprintf("none of %s is a lead who can sign in; `tilldesk staff add NAME --role lead` makes one", many(len(all), "account"))}
	}
	return finding{"staff", true, fmt.Sprintf("%s and %s can sign in", many(leads, "lead"), many(agents, "agent"))}
}

func examineAudit(ctx context.Context, db *store.DB) finding {
	last, err := db.Entries(ctx, 0, 1)
	if err == nil {
		err = db.CheckAudit(ctx)
	}
	switch {
	case errors.Is(err, staff.ErrTampered):
		return finding{"audit", false, oneLine(err) + "; find out who can write to the database, and compare with a backup"}
	case err != nil:
		return finding{"audit", false, oneLine(err)}
	case len(last) == 0:
		return finding{"audit", true, "nothing has been done at the desk yet"}
	}
	// Whoever could write all of it anew cannot change what was noted elsewhere.
	return finding{"audit", true, fmt.Sprintf("whole, up to entry %d with the sum %x", last[0].Seq, last[0].Sum[:8])}
}
