package main

import (
	"bufio"
	"fmt"

	"github.com/spf13/cobra"

	"tilldesk/config"
	"tilldesk/content"
	"tilldesk/content/source"
)

func (a *app) content() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "content",
		Short:   "Check and print what the bot knows",
		Example: "  tilldesk content check ./content\n  tilldesk content examples --lang zh",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.contentCheck(), a.contentExamples())
	return cmd
}

func (a *app) contentCheck() *cobra.Command {
	return &cobra.Command{
		Use:   "check [DIR]",
		Short: "Name every problem of the content with file and line",
		Long: "check reads the content in DIR (default: content.dir of the configuration, else what is\n" +
			"built in) and prints one line per problem. It exits with 1 if there is any.",
		Example: "  tilldesk content check ./content",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return oneArg("DIR")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := config.Load(a.configFile, a.env)
			if err != nil {
				return err
			}
			dir := cfg.Content.Dir
			if len(args) == 1 {
				dir = args[0]
			}
			fsys, err := content.Open(dir)
			if err != nil {
				return err
			}
			problems := content.Check(fsys)
			out := cmd.OutOrStdout()
			for _, p := range problems {
				fmt.Fprintln(out, p)
			}
			if len(problems) > 0 {
				fmt.Fprintf(cmd.ErrOrStderr(), "%s\n", many(len(problems), "problem"))
				return errFailed
			}
			c, err := content.Load(fsys)
			if err != nil {
				return failedError{err}
			}
			_, err = fmt.Fprintln(out, c.Summary())
			return failed(err)
		},
	}
}

// many writes a number of things.
func many(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func (a *app) contentExamples() *cobra.Command {
	var lang string
	cmd := &cobra.Command{
		Use:     "examples",
		Short:   "Print the training messages as JSON Lines",
		Example: "  tilldesk content examples --lang zh > examples.zh.jsonl",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkLang(lang); err != nil {
				return err
			}
			_, c, err := a.loadContent()
			if err != nil {
				return err
			}
			out := bufio.NewWriter(cmd.OutOrStdout())
			for _, ex := range c.Intents.Examples {
				if lang == "" || ex.Lang == source.Lang(lang) {
					if err := writeJSON(out, ex); err != nil {
						return failedError{err}
					}
				}
			}
			return failed(out.Flush())
		},
	}
	cmd.Flags().StringVar(&lang, "lang", "", "only this language, `zh or en`")
	return cmd
}
