package bot

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"tilldesk/bot/dialog"
)

// Replay plays a conversation written as text and returns it with the bot's
// side written anew, so that a difference shows what the bot does otherwise.
//
//	# a remark
//	> what the merchant writes; in Go quotes for odd bytes, with "…" x N to repeat
//	* the id of a choice that is pressed
//	@ photo       a picture without words
//	@ release     staff give the conversation back
//	< what the bot says: kind, key and the beginning of the text
//	! what else follows: handoff or solved, or the reason of the turn; of a
//	  hand-over with several troubles that of the case and the others
//
// Lines that start with < or ! are left out of what is played.
func (k *Knowledge) Replay(ctx context.Context, text string) (string, error) {
	var b strings.Builder
	st := dialog.State{Phase: dialog.Idle}
	for n, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		kind, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		var m Message
		switch kind {
		case "<", "!":
			continue
		case "", "#":
			b.WriteString(line + "\n")
			continue
		case ">":
			said, err := unquote(rest)
			if err != nil {
				return "", fmt.Errorf("line %d: %w", n+1, err)
			}
			m.Text = said
		case "*":
			m.Choice = rest
		case "@":
			b.WriteString(line + "\n")
			switch rest {
			case "release":
				st = k.Script.Release(st)
				continue
			case "photo":
				m.Media = true
			default:
				return "", fmt.Errorf("line %d: @ %s is not known; allowed: photo, release", n+1, rest)
			}
		default:
			return "", fmt.Errorf("line %d starts with %q; a line starts with one of # > * @ < ! and a blank", n+1, kind)
		}
		if kind != "@" {
			b.WriteString(line + "\n")
		}
		out, err := k.Turn(ctx, st, m)
		if err != nil {
			return "", fmt.Errorf("line %d: %w", n+1, err)
		}
		writeOutcome(&b, out)
		st = out.State
	}
	return b.String(), nil
}

const excerpt = 46 // runes of a reply shown

func writeOutcome(b *strings.Builder, out dialog.Outcome) {
	for i, r := range Render(out.State, out.Say) {
		text := []rune(strings.ReplaceAll(r.Text, "\n", " / "))
		if len(text) > excerpt {
			text = append(text[:excerpt], '…')
		}
		fmt.Fprintf(b, "< %-9s %s  %s", r.Kind, out.Say[i].Key, string(text))
		if r.Article != nil {
			fmt.Fprintf(b, "  (%s)", *r.Article)
		}
		b.WriteByte('\n')
	}
	switch {
	case out.Handoff != nil:
		fmt.Fprintf(b, "! handoff %s, %d steps tried", out.Handoff.Cause, len(out.Handoff.Tried))
		if later := out.Handoff.Later; len(later) > 0 {
			fmt.Fprintf(b, ", %s, later %s", out.Handoff.Intent, strings.Join(later, " "))
		}
		b.WriteByte('\n')
	case out.Solved != nil:
		fmt.Fprintf(b, "! solved %s by %s\n", out.Solved.Intent, out.Solved.Step)
	default:
		fmt.Fprintf(b, "! %s\n", out.Reason)
	}
}

func unquote(s string) (string, error) {
	if !strings.HasPrefix(s, `"`) {
		return s, nil
	}
	quoted, err := strconv.QuotedPrefix(s)
	if err != nil {
		return "", fmt.Errorf("the quoted text %s: %w", s, err)
	}
	text, err := strconv.Unquote(quoted)
	if err != nil {
		return "", fmt.Errorf("the quoted text %s: %w", s, err)
	}
	if times, ok := strings.CutPrefix(s[len(quoted):], " x "); ok {
		n, err := strconv.Atoi(times)
		if err != nil || n < 1 || n > 100_000 {
			return "", fmt.Errorf("%q repeats; allowed: 1 to 100000", times)
		}
		text = strings.Repeat(text, n)
	}
	return text, nil
}
