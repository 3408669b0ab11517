package bot

import "tilldesk/content/source"

// A Finding is what a channel says of one thing that it has looked at: how it
// is set up, and, if that is not OK, what to click to put it right.
type Finding struct {
	OK  bool
	Say source.Text
}
