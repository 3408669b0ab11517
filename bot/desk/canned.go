package desk

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"tilldesk/content/source"
	"tilldesk/intents"
)

// A Canned reply is a text that staff send often. {merchant}, {ticket} and
// {staff} in it are filled in by [Fill].
type Canned struct {
	ID      string // made by SaveCanned if empty
	Name    string // what staff type to find it; unique
	Text    source.Text
	By      string // id of who changed it last
	Updated time.Time
}

const maxCannedName = 40

// CannedReplies returns the canned replies that have each word of a query in
// their name or text, the best first; all of them, by name, if it is empty.
func (d *Desk) CannedReplies(ctx context.Context, query string) ([]Canned, error) {
	all, err := d.store.Canned(ctx)
	if err != nil {
		return nil, err
	}
	words := strings.Fields(intents.Normalise(query))
	rank := map[string]int{}
	found := slices.DeleteFunc(all, func(c Canned) bool {
		name, text := intents.Normalise(c.Name), intents.Normalise(c.Text.Zh+" "+c.Text.En)
		for _, w := range words {
			switch {
			case strings.HasPrefix(name, w):
				rank[c.ID] += 4
			case strings.Contains(name, w):
				rank[c.ID] += 2
			case strings.Contains(text, w):
				rank[c.ID]++
			default:
				return true
			}
		}
		return false
	})
	slices.SortFunc(found, func(a, b Canned) int {
		return cmp.Or(cmp.Compare(rank[b.ID], rank[a.ID]), cmp.Compare(a.Name, b.Name))
	})
	return found, nil
}

// SaveCanned adds a canned reply, or changes the one with its id. It needs a
// name and a text in at least one language. A name that another one has is an
// [*InputError].
func (d *Desk) SaveCanned(ctx context.Context, who Actor, c Canned) (Canned, error) {
	c.Name = strings.Join(strings.Fields(tidy(c.Name)), " ")
	c.Text.Zh, c.Text.En = strings.TrimSpace(tidy(c.Text.Zh)), strings.TrimSpace(tidy(c.Text.En))
	if n := utf8.RuneCountInString(c.Name); n == 0 || n > maxCannedName {
		return Canned{}, &InputError{"name", bounded("请写 1 到 %d 个字", "1 to %d characters", maxCannedName)}
	}
	if c.Text.IsZero() || utf8.RuneCountInString(c.Text.Zh) > MaxReplyRunes || utf8.RuneCountInString(c.Text.En) > MaxReplyRunes {
		return Canned{}, &InputError{"text", bounded("中文、英文至少写一种，每种最多 %d 个字", "a text in Chinese, English or both, of %d characters at most", MaxReplyRunes)}
	}
	all, err := d.store.Canned(ctx)
	if err != nil {
		return Canned{}, err
	}
	if slices.ContainsFunc(all, func(other Canned) bool { return other.Name == c.Name && other.ID != c.ID }) {
		return Canned{}, &InputError{"name", source.Text{Zh: "这个名称已经有了，请换一个", En: "another one than those that are there"}}
	}
	if c.ID == "" {
		c.ID = uuid.Must(uuid.NewV7()).String()
	}
	c.By, c.Updated = who.ID, d.opt.Now()
	return c, d.store.SaveCanned(ctx, c)
}

// DeleteCanned deletes a canned reply.
func (d *Desk) DeleteCanned(ctx context.Context, id string) error {
	return d.store.DeleteCanned(ctx, id)
}

// Fill returns the text of a canned reply for a case, in the language of its
// merchant, or in the other one if there is no such text.
func Fill(canned Canned, c Case, who Actor) string {
	text := canned.Text.In(c.Lang)
	if text == "" {
		text = canned.Text.Zh + canned.Text.En
	}
	return strings.NewReplacer("{merchant}", c.Merchant, "{ticket}", c.Ticket, "{staff}", who.Name).Replace(text)
}
