package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"tilldesk/bot"
	"tilldesk/bot/outbox"
)

// doubt is an error that could be permanent and is not.
type doubt struct{ error }

func (doubt) Permanent() bool { return false }
func (d doubt) Unwrap() error { return d.error }

func TestClassify(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want outbox.Class
	}{
		{nil, outbox.Delivered},
		{bot.ErrUnreachable, outbox.Never},
		{fmt.Errorf("403: %w", bot.ErrUnreachable), outbox.Never},
		{&bot.RetryError{Err: bot.ErrUnreachable}, outbox.Never},
		{refusal{}, outbox.Never},
		{fmt.Errorf("400: %w", refusal{}), outbox.Never},
		{doubt{errCut}, outbox.Unknown},
		{doubt{errRefused}, outbox.Later},
		{errRefused, outbox.Later},
		{errors.Join(errors.New("close"), errRefused), outbox.Later},
		{errCut, outbox.Unknown},
		{context.DeadlineExceeded, outbox.Unknown},
	} {
		if got := outbox.Classify(tt.err); got != tt.want {
			t.Errorf("Classify(%v) = %s, want %s", tt.err, got, tt.want)
		}
	}
}
