// Command tilldesk is a support assistant for shops whose payment terminal
// does not take a code. `tilldesk -h` lists what it can do.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	_ "golang.org/x/crypto/x509roots/fallback" // an image without certificates still trusts the usual ones
	_ "time/tzdata"                            // opening hours need time zones, also without a system that has them

	"github.com/spf13/cobra"

	"tilldesk/bot"
	"tilldesk/config"
	"tilldesk/content"
)

// Exit status, as CONTRACT.md promises.
const (
	exitFailed = 1 // the work itself failed
	exitUsage  = 2 // bad usage or bad configuration
)

func main() {
	a := &app{env: os.LookupEnv, learn: learn}
	os.Exit(a.process(os.Args[1:]))
}

// process runs one command line as this process, until a signal ends it.
func (a *app) process(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return a.run(ctx, args, os.Stdin, os.Stdout, os.Stderr)
}

// run executes one command line and returns its exit status. It touches
// nothing of the process but what it is given, so that tests can call it.
func (a *app) run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := a.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil, errors.Is(err, syscall.EPIPE): // the reader, such as head, has seen enough
		return 0
	case errors.Is(err, errFailed):
		return exitFailed
	}
	var failure failedError
	if errors.As(err, &failure) {
		fmt.Fprintln(stderr, "tilldesk:", err)
		return exitFailed
	}
	fmt.Fprintln(stderr, "tilldesk:", oneLine(err))
	return exitUsage
}

// errFailed ends a command that has already printed why the work failed.
var errFailed = errors.New("failed")

// failedError marks an error of the work itself; any other error is one of
// usage or configuration.
type failedError struct{ error }

func (e failedError) Unwrap() error { return e.error }

func oneLine(err error) string { return strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; ") }

// app is what every command needs.
type app struct {
	env        func(string) (string, bool)
	learn      func(context.Context, *content.Content) (*bot.Knowledge, error)
	configFile string
}

func learn(ctx context.Context, c *content.Content) (*bot.Knowledge, error) {
	return bot.Learn(ctx, c.Intents, c.Base, c.Script)
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "tilldesk",
		Short: "Support for shops whose payment terminal does not take a code",
		Long: "tilldesk answers merchants whose terminal does not take a payment code: it finds out\n" +
			"what is wrong, leads through the fix step by step, and hands over to a person.",
		Example:       "  tilldesk                           run the service on http://127.0.0.1:8080/\n  tilldesk chat                      talk to the bot here\n  tilldesk match 花呗扫不了          see what it understands\n  tilldesk content check ./content   check edited content",
		Args:          noArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return a.runService(cmd) },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.PersistentFlags().StringVar(&a.configFile, "config", "", "configuration `file` (default ./tilldesk.yaml, then /etc/tilldesk/tilldesk.yaml)")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; see `%s -h`", err, cmd.CommandPath())
	})
	root.AddCommand(a.serve(), a.chat(), a.match(), a.eval(), a.bench(), a.search(), a.content(),
		a.backup(), a.restore(), a.dead(), a.merchant(), a.doctor(), a.health(), a.version())
	return root
}

func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("unknown command or argument %q; see `%s -h`", args[0], cmd.CommandPath())
	}
	return nil
}

// load reads configuration and content and learns from it. What was learnt
// lives as long as the process.
func (a *app) load(ctx context.Context) (*bot.Knowledge, *content.Content, error) {
	c, err := a.loadContent()
	if err != nil {
		return nil, nil, err
	}
	k, err := a.learn(ctx, c)
	if err != nil {
		return nil, nil, failedError{err}
	}
	return k, c, nil
}

func (a *app) loadContent() (*content.Content, error) {
	cfg, err := config.Load(a.configFile, a.env)
	if err != nil {
		return nil, err
	}
	fsys, err := content.Open(cfg.Content.Dir)
	if err != nil {
		return nil, err
	}
	return content.Load(fsys)
}
