// Command tilldesk is a support assistant for shops whose payment terminal
// does not take a code. `tilldesk -h` lists what it can do.
//
// # One file per command, one file per part of the service
//
// A command is a file with a method of app that returns it, and a word in
// root's list. The service (serve.go) is a core, which is the store, the engine
// and the outbox, and parts around it: channels, the desk, its pages. A part is
// a file part_NAME.go with a function that returns a [part], and a line in
// parts (part.go). Its open function gets the running [service], makes what
// the part needs from it and returns a [plug] that says what the part gives:
// its channel, its routes, what is to run in the background, whom to tell of a
// turn. part_web.go is the shortest example. What several parts share is a
// field of service that the first of them sets.
//
// The service stops in the order of a message: receivers and listeners, then
// the engine, then the work of parts, then the outbox, then the store.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	_ "golang.org/x/crypto/x509roots/fallback" // an image without certificates still trusts the usual ones
	_ "time/tzdata"                            // opening hours need time zones, also without a system that has them

	"github.com/spf13/cobra"

	"tilldesk/bot"
	"tilldesk/config"
	"tilldesk/content"
	"tilldesk/content/source"
	"tilldesk/intents/shelf"
)

// Exit status, as CONTRACT.md promises.
const (
	exitFailed = 1 // the work itself failed
	exitUsage  = 2 // bad usage or bad configuration
)

func main() {
	a := &app{env: os.LookupEnv, learn: learn, parts: parts()}
	os.Exit(a.process(os.Args[1:]))
}

// process runs one command line as this process, until a signal ends it.
func (a *app) process(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)   // a second signal ends it at once
	signal.Ignore(syscall.SIGPIPE) // writing to a reader that has gone fails as any writing does
	return a.run(ctx, args, os.Stdin, os.Stdout, os.Stderr)
}

// run executes one command line and returns its exit status. It touches
// nothing of the process but what it is given, so that tests can call it.
func (a *app) run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := a.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	out := &output{Writer: stdout}
	root.SetOut(out)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	switch {
	case err == nil, out.unread.Load() && errors.Is(err, syscall.EPIPE):
		return 0
	case errors.Is(err, errFailed):
		return exitFailed
	case stopped(ctx, err) && slices.Contains(endless, cmd.Name()):
		return 0
	case stopped(ctx, err):
		fmt.Fprintln(stderr, "tilldesk: stopped before it was done")
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

// endless commands end by a signal; others are kept from their work by it.
var endless = []string{"tilldesk", "serve", "chat", "match"}

// stopped reports whether err came of a signal.
func stopped(ctx context.Context, err error) bool {
	return ctx.Err() != nil && (errors.Is(err, ctx.Err()) || errors.Is(err, context.Cause(ctx)))
}

// output is what a command prints. It notes when its reader, such as head, has
// seen enough and is gone, which is no failure.
type output struct {
	io.Writer
	unread atomic.Bool
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	if errors.Is(err, syscall.EPIPE) {
		o.unread.Store(true)
	}
	return n, err
}

// errFailed ends a command that has already printed why the work failed.
var errFailed = errors.New("failed")

// failedError marks an error of the work itself; any other error is one of
// usage or configuration.
type failedError struct{ error }

func (e failedError) Unwrap() error { return e.error }

// oneLine writes an error on one line.
func oneLine(err error) string {
	var b strings.Builder
	for line := range strings.Lines(err.Error()) {
		line = strings.TrimSpace(line)
		switch {
		case line == "":
			continue
		case strings.HasSuffix(b.String(), ":"):
			b.WriteByte(' ')
		case b.Len() > 0:
			b.WriteString("; ")
		}
		b.WriteString(line)
	}
	return b.String()
}

// app is what every command needs.
type app struct {
	env        func(string) (string, bool)
	learn      func(context.Context, config.Content, *content.Content) (*bot.Knowledge, error)
	parts      []part
	lease      time.Duration // of claims; 0: as long as who claims says
	configFile string
}

// learn makes knowledge of the content. What the intent engine learnt is kept
// in the cache of the settings; a cache that cannot be used costs only time.
func learn(ctx context.Context, settings config.Content, c *content.Content) (*bot.Knowledge, error) {
	kept := shelf.Shelf{Dir: settings.Cache}
	switch settings.Cache {
	case config.Off:
		kept.Dir = ""
	case "":
		if dir, err := os.UserCacheDir(); err == nil { // a container may have none
			kept.Dir = filepath.Join(dir, "tilldesk")
		}
	default:
		kept.Warn = func(err error) { slog.Warn("content.cache cannot be used", "error", err) }
	}
	return bot.LearnWith(ctx, kept.Engine, c.Intents, c.Base, c.Script)
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
	root.SetHelpCommand(&cobra.Command{
		Use: "help [COMMAND]", Short: "Say how a command is used", Example: "  tilldesk help content check",
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			if err == nil {
				err = noArgs(cmd, rest)
			}
			if err != nil {
				return err
			}
			return cmd.Help()
		},
	})
	root.PersistentFlags().StringVar(&a.configFile, "config", "", "configuration `file` (default ./tilldesk.yaml, then /etc/tilldesk/tilldesk.yaml)")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; see `%s -h`", err, cmd.CommandPath())
	})
	root.AddCommand(a.serve(), a.chat(), a.match(), a.explain(), a.eval(), a.bench(), a.search(), a.content(),
		a.backup(), a.restore(), a.dead(), a.merchant(), a.staff(), a.telegram(), a.wechat(), a.doctor(), a.health(), a.version())
	return root
}

func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("unknown command or argument %q; see `%s -h`", args[0], cmd.CommandPath())
	}
	return nil
}

// checkLang wants a --lang, if one is given, to be a language of the bot.
func checkLang(lang string) error {
	if lang != "" && !slices.Contains(source.Langs, source.Lang(lang)) {
		return fmt.Errorf("--lang %q; allowed: zh, en", lang)
	}
	return nil
}

// oneArg wants one argument, which is what.
func oneArg(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch len(args) {
		case 0:
			return fmt.Errorf("give %s; see `%s -h`", what, cmd.CommandPath())
		case 1:
			return nil
		}
		return fmt.Errorf("%q is one argument too many; see `%s -h`", args[1], cmd.CommandPath())
	}
}

// load reads configuration and content and learns from it. What was learnt
// lives as long as the process.
func (a *app) load(ctx context.Context) (*bot.Knowledge, *content.Content, error) {
	cfg, c, err := a.loadContent()
	if err != nil {
		return nil, nil, err
	}
	k, err := a.learn(ctx, cfg.Content, c)
	if err != nil {
		return nil, nil, failedError{err}
	}
	return k, c, nil
}

func (a *app) loadContent() (config.Config, *content.Content, error) {
	cfg, err := config.Load(a.configFile, a.env)
	if err != nil {
		return cfg, nil, err
	}
	fsys, err := content.Open(cfg.Content.Dir)
	if err != nil {
		return cfg, nil, err
	}
	c, err := content.Load(fsys)
	if err != nil {
		return cfg, nil, fmt.Errorf("content.dir %q: %w", cfg.Content.Dir, err)
	}
	return cfg, c, nil
}
