package bot_test

import (
	"errors"
	"testing"

	"tilldesk/bot"
)

// TestNoRoom refuses messages while there is no room for them, and counts that.
func TestNoRoom(t *testing.T) {
	var room error
	var events []bot.Event
	run(t, bot.Options{Room: func() error { return room }, Observe: func(e bot.Event) { events = append(events, e) }}, func(r *running) {
		r.start()
		room = bot.ErrNoRoom
		if _, err := r.Accept(r.Context(), message("wang", "1", "花呗扫不了")); !errors.Is(err, bot.ErrNoRoom) {
			r.Errorf("without room: %v", err)
		}
		if n := len(r.store.arrivals); n != 0 {
			r.Errorf("%d messages were stored without room", n)
		}
		if len(events) != 1 || events[0].Refused != bot.RefusedDisk || events[0].Channel != "test" {
			r.Errorf("events %+v", events)
		}
		room = nil
		r.replies(r.accept(message("wang", "1", "花呗扫不了")).Message)
	})
}
