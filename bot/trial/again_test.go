package trial

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// TestAgainWaitsAsTold tries again when the service wants it, as browsers do.
func TestAgainWaitsAsTold(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want time.Duration
	}{
		{errors.New("connection refused"), pause},
		{&StatusError{Status: http.StatusServiceUnavailable}, pause},
		{&StatusError{Status: http.StatusServiceUnavailable, After: 3 * time.Second}, 3 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			begin, tries := time.Now(), 0
			ok := again(t.Context(), func() error {
				if tries++; tries == 1 {
					return tt.err
				}
				return nil
			})
			if waited := time.Since(begin); !ok || tries != 2 || waited != tt.want {
				t.Errorf("after %v: %t with %d tries and after %v, want %v", tt.err, ok, tries, waited, tt.want)
			}
		})
	}
}
