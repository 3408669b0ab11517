package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"tilldesk/bot/staff"
	"tilldesk/bot/store"
	"tilldesk/config"
	"tilldesk/content/source"
)

func (a *app) staff() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "staff",
		Short: "Accounts of those who answer merchants at the desk",
		Long: "staff manages the accounts of those who answer merchants. It works beside a running\n" +
			"service, and what it changes holds at once.",
		Example: "  tilldesk staff add anna --role lead --lang zh\n  tilldesk staff list",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.staffAdd(), a.staffPasswd(), a.staffList(), a.staffDisable(), a.staffEnable())
	return cmd
}

func (a *app) staffAdd() *cobra.Command {
	var role, lang string
	var telegram int64
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Make an account and print its one-time password",
		Long: "add makes an account and prints a password for the first sign-in, which its owner must\n" +
			"change then. Names differ by more than upper and lower case.",
		Example: "  tilldesk staff add anna\n  tilldesk staff add 王芳 --role lead --lang zh --telegram 100200300",
		Args:    oneArg("NAME"),
	}
	cmd.Flags().StringVar(&role, "role", string(staff.Agent), "what they may do: agent answers merchants; lead also manages staff and settings")
	cmd.Flags().StringVar(&lang, "lang", "", "their `language`, zh or en: of the desk, and of the merchants they answer (default: as their browser, and both)")
	cmd.Flags().Int64Var(&telegram, "telegram", 0, "their Telegram `user id`, which lets them answer in the staff group")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		name, err := staff.CheckName(args[0])
		if err != nil {
			return err
		}
		if _, err := staff.CheckRole(role); err != nil {
			return fmt.Errorf("--role %w", err)
		}
		if err := checkLang(lang); err != nil {
			return err
		}
		if cmd.Flags().Changed("telegram") && telegram <= 0 {
			return fmt.Errorf("--telegram %d; allowed: a user id, which is a number above 0", telegram)
		}
		return a.withAccounts(cmd, true, func(accounts *staff.Accounts) error {
			n := staff.New{Name: name, Role: staff.Role(role), Lang: source.Lang(lang), Telegram: telegram}
			s, once, err := accounts.Add(cmd.Context(), n, staff.ByCommand)
			if errors.Is(err, staff.ErrTaken) {
				return fmt.Errorf("%w; `tilldesk staff list` shows whose", err)
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s can sign in at /desk/ as %s\n%s", s.Name, s.Role, sayOnce(once))
			return err
		})
	}
	return cmd
}

func (a *app) staffPasswd() *cobra.Command {
	return &cobra.Command{
		Use:     "passwd NAME",
		Short:   "Print a new one-time password; the old password and all sessions end",
		Example: "  tilldesk staff passwd anna",
		Args:    oneArg("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withNamed(cmd, args[0], func(accounts *staff.Accounts, s staff.Staff) error {
				once, err := accounts.Reset(cmd.Context(), s.ID, staff.ByCommand)
				if err != nil {
					return err
				}
				if !s.Enabled() {
					fmt.Fprintf(cmd.ErrOrStderr(), "%s is disabled; `tilldesk staff enable %s` lets them sign in\n", s.Name, s.Name)
				}
				_, err = fmt.Fprint(cmd.OutOrStdout(), sayOnce(once))
				return err
			})
		},
	}
}

func (a *app) staffDisable() *cobra.Command {
	return &cobra.Command{
		Use:     "disable NAME",
		Short:   "Keep somebody from signing in; all their sessions end at once",
		Example: "  tilldesk staff disable anna",
		Args:    oneArg("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withNamed(cmd, args[0], func(accounts *staff.Accounts, s staff.Staff) error {
				if err := accounts.Disable(cmd.Context(), s.ID, staff.ByCommand); err != nil {
					return err
				}
				all, err := accounts.All(cmd.Context())
				if err != nil {
					return err
				}
				if !slices.ContainsFunc(all, func(s staff.Staff) bool { return s.Enabled() && s.Role == staff.Lead }) {
					fmt.Fprintln(cmd.ErrOrStderr(), "nobody who can sign in is a lead now; `tilldesk staff add NAME --role lead` makes one")
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s can no longer sign in\n", s.Name)
				return err
			})
		},
	}
}

func (a *app) staffEnable() *cobra.Command {
	return &cobra.Command{
		Use:     "enable NAME",
		Short:   "Let somebody who was disabled sign in again",
		Example: "  tilldesk staff enable anna",
		Args:    oneArg("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withNamed(cmd, args[0], func(accounts *staff.Accounts, s staff.Staff) error {
				if err := accounts.Enable(cmd.Context(), s.ID, staff.ByCommand); err != nil {
					return err
				}
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s can sign in again\n", s.Name)
				return err
			})
		},
	}
}

// staffLine is a line of `staff list --json`.
type staffLine struct {
	Name     string        `json:"name"`
	Role     staff.Role    `json:"role"`
	State    string        `json:"state"` // enabled or disabled
	Lang     source.Lang   `json:"lang,omitempty"`
	Speaks   []source.Lang `json:"speaks"`
	Away     bool          `json:"away"`
	Telegram int64         `json:"telegram,omitempty"`
	Created  time.Time     `json:"created"`
	SignedIn time.Time     `json:"signed_in,omitzero"`
}

func (a *app) staffList() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List all accounts", Example: "  tilldesk staff list\n  tilldesk staff list --json", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withAccounts(cmd, false, func(accounts *staff.Accounts) error {
				all, err := accounts.All(cmd.Context())
				if err != nil {
					return err
				}
				if asJSON {
					out := json.NewEncoder(cmd.OutOrStdout())
					for _, s := range all {
						line := staffLine{s.Name, s.Role, state(s), s.Lang, s.Speaks, s.Away, s.Telegram, s.Created, s.SignedIn}
						if err := out.Encode(line); err != nil {
							return err
						}
					}
					return nil
				}
				if len(all) == 0 {
					_, err := fmt.Fprintln(cmd.OutOrStdout(), "none yet: the first start of the service makes one, and `tilldesk staff add NAME` others")
					return err
				}
				out := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
				fmt.Fprintln(out, "NAME\tROLE\tSTATE\tSPEAKS\tTELEGRAM\tLAST SIGN-IN")
				for _, s := range all {
					speaks := make([]string, len(s.Speaks))
					for i, lang := range s.Speaks {
						speaks[i] = string(lang)
					}
					telegram, last := "-", "never"
					if s.Telegram != 0 {
						telegram = fmt.Sprint(s.Telegram)
					}
					if !s.SignedIn.IsZero() {
						last = s.SignedIn.Local().Format("2006-01-02 15:04")
					}
					fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\t%s\n", s.Name, s.Role, state(s), strings.Join(speaks, ","), telegram, last)
				}
				return out.Flush()
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object per line")
	return cmd
}

func state(s staff.Staff) string {
	if s.Enabled() {
		return "enabled"
	}
	return "disabled"
}

// withAccounts runs f on the accounts in the store, beside a service that may
// be running. If there is no store yet, it is made if f is to add something.
func (a *app) withAccounts(cmd *cobra.Command, adds bool, f func(*staff.Accounts) error) error {
	db, _, err := a.beside(cmd.Context())
	if adds && errors.Is(err, fs.ErrNotExist) {
		var cfg config.Config
		if cfg, err = config.Load(a.configFile, a.env); err != nil {
			return err
		}
		if db, err = store.Open(cmd.Context(), cfg.Store.DSN.Reveal(), store.Options{}); err != nil {
			return fmt.Errorf("store.dsn: %w", err)
		}
	}
	if err != nil {
		return err
	}
	accounts := staff.NewAccounts(db, staff.NewHasher(staff.DefaultCost), nil)
	return errors.Join(failed(f(accounts)), failed(db.Close()))
}

// withNamed runs f on the account with a name.
func (a *app) withNamed(cmd *cobra.Command, name string, f func(*staff.Accounts, staff.Staff) error) error {
	return a.withAccounts(cmd, false, func(accounts *staff.Accounts) error {
		s, err := accounts.Named(cmd.Context(), name)
		if errors.Is(err, staff.ErrUnknown) {
			return fmt.Errorf("there is no account %q; `tilldesk staff list` names them", name)
		}
		if err != nil {
			return err
		}
		return f(accounts, s)
	})
}
