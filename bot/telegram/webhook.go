package telegram

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"net/http"
)

// maxBody is how large an update may be.
const maxBody = 1 << 20

// announce tells Telegram where to send updates.
func (c *Channel) announce(ctx context.Context) {
	if !c.greet(ctx) {
		return
	}
	c.insist(ctx, "setting the webhook", func(ctx context.Context) error {
		return c.api.SetWebhook(ctx, c.opt.WebhookURL, c.opt.Secret, allowed)
	})
	<-ctx.Done()
}

// ServeHTTP takes an update that Telegram sends. It answers 200 once what it
// brings is stored; 503 if that failed, and it comes again; 401 without the
// secret, before anything of it is read. What cannot be read is stored as such
// and answered with 200: it would hold up all that follows in its chat.
func (c *Channel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if c.opt.Secret == "" {
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "updates come by POST", http.StatusMethodNotAllowed)
		return
	}
	if !same(r.Header.Get("X-Telegram-Bot-Api-Secret-Token"), c.opt.Secret) {
		c.log.Warn("an update without the right secret was refused", "address", r.RemoteAddr)
		http.Error(w, "this is for Telegram", http.StatusUnauthorized)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
		return
	case err != nil:
		http.Error(w, "the update was cut off", http.StatusBadRequest)
		return
	}
	if err := c.take(r.Context(), json.RawMessage(body)); err != nil {
		c.log.Error("an update could not be stored; Telegram will send it again", "error", err)
		w.Header().Set("Retry-After", "5")
		http.Error(w, "later, please", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// same compares two secrets in a time that says nothing about them.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
