package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"tilldesk/content"
)

// Set by the linker in a release build.
var (
	version = "dev"
	commit  = ""
)

func (a *app) version() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print version, commit, Go version and content digest",
		Example: "  tilldesk version",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := content.Load(content.BuiltIn())
			if err != nil {
				return failedError{err}
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "tilldesk %s\ncommit   %s\ngo       %s %s/%s\ncontent  %s\n",
				version, buildCommit(), runtime.Version(), runtime.GOOS, runtime.GOARCH, c.Digest)
			return failed(err)
		},
	}
}

// buildCommit is the commit given by the linker, else the one that the Go
// command stamped into the binary.
func buildCommit() string {
	if commit != "" {
		return commit
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	revision, modified := "unknown", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = " (modified)"
		}
	}
	return revision + modified
}
