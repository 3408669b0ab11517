package main

import (
	"cmp"
	"fmt"

	"github.com/spf13/cobra"

	"tilldesk/bot"
	"tilldesk/content/source"
)

// A checkup asks a network how its channel is set up, and changes nothing.
type checkup func(cmd *cobra.Command) ([]bot.Finding, error)

// check makes cmd, of which only the words are given, print what a checkup
// finds, in the language that is asked for, and fail if something is to be
// mended.
func check(cmd *cobra.Command, look checkup) *cobra.Command {
	var lang string
	cmd.Use, cmd.Args = "check", noArgs
	cmd.Flags().StringVar(&lang, "lang", string(source.En), "language of the findings, `zh or en`")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := checkLang(lang); err != nil {
			return err
		}
		in := cmp.Or(source.Lang(lang), source.En)
		found, err := look(cmd)
		if err != nil {
			return err
		}
		good, marks := true, checkMarks[in]
		for _, f := range found {
			mark := marks.good
			if !f.OK {
				mark, good = marks.mend, false
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s  %s\n", mark, f.Say.In(in))
		}
		if !good {
			return errFailed
		}
		return nil
	}
	return cmd
}

// checkMarks stand before what a checkup finds.
var checkMarks = map[source.Lang]struct{ good, mend string }{
	source.Zh: {"正常", "要改"},
	source.En: {"ok  ", "MEND"},
}

// diagnosed is what doctor says of a checkup.
func diagnosed(what string, checked []bot.Finding, err error) []finding {
	if err != nil {
		return []finding{{what, false, oneLine(err)}}
	}
	var found []finding
	for _, f := range checked {
		found = append(found, finding{what, f.OK, f.Say.En})
	}
	return found
}
