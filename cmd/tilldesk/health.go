package main

import (
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"tilldesk/config"
)

// health asks the running service how it is; an image without a shell or curl
// has nothing else to ask with.
func (a *app) health() *cobra.Command {
	return &cobra.Command{
		Use:     "health",
		Short:   "Ask the running service whether it is ready; exits with 1 if not",
		Example: "  tilldesk health",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load(a.configFile, a.env)
			if err != nil {
				return err
			}
			host, port, err := net.SplitHostPort(cfg.HTTP.Addr)
			if err != nil {
				return err
			}
			if host == "" || net.ParseIP(host).IsUnspecified() {
				host = "127.0.0.1"
			}
			url := "http://" + net.JoinHostPort(host, port) + "/readyz"
			req, err := http.NewRequestWithContext(cmd.Context(), http.MethodGet, url, nil)
			if err != nil {
				return failedError{err}
			}
			client := http.Client{Timeout: 3 * time.Second}
			resp, err := client.Do(req)
			if err != nil {
				return failedError{fmt.Errorf("the service does not answer: %w", err)}
			}
			if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusOK {
				return failedError{fmt.Errorf("the service is not ready: it answers %s", resp.Status)}
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "ready")
			return failed(err)
		},
	}
}
