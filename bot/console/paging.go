package console

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"tilldesk/bot"
)

// A paging is how far back the talks of a merchant have been shown: of each the
// seq of the oldest message that was, 0 if none was.
type paging struct {
	talks []bot.Conversation
	seen  map[bot.ConversationID]int64
}

// newPaging reads the values of a query: a number for the first of the talks,
// ID:number for the others. What it cannot read begins with the newest.
func newPaging(talks []bot.Conversation, values []string) paging {
	p := paging{talks, map[bot.ConversationID]int64{}}
	for _, value := range values {
		id, number, named := strings.Cut(value, ":")
		if !named {
			id, number = string(talks[0].ID), id
		}
		if n, err := strconv.ParseInt(number, 10, 64); err == nil && n > 0 {
			p.seen[bot.ConversationID(id)] = n
		}
	}
	return p
}

// saw notes messages, oldest first, that are shown.
func (p paging) saw(messages []bot.Entry) {
	for _, m := range slices.Backward(messages) {
		p.seen[m.Conversation] = m.Seq
	}
}

// query is the query of a page with what was before.
func (p paging) query() string {
	values := url.Values{}
	for i, c := range p.talks {
		switch n := p.seen[c.ID]; {
		case n == 0:
		case i == 0:
			values.Add("before", strconv.FormatInt(n, 10))
		default:
			values.Add("before", string(c.ID)+":"+strconv.FormatInt(n, 10))
		}
	}
	return "?" + values.Encode()
}

// before returns the last messages of some talks before those that were shown,
// oldest first.
func (c *Console) before(ctx context.Context, talks []bot.Conversation, shown paging, limit int) ([]bot.Entry, error) {
	var all []bot.Entry
	for _, talk := range talks {
		messages, err := c.store.Before(ctx, talk.ID, shown.seen[talk.ID], limit)
		if err != nil {
			return nil, err
		}
		all = append(all, messages...)
	}
	slices.SortStableFunc(all, func(a, b bot.Entry) int { return a.At.Compare(b.At) })
	return all[max(0, len(all)-limit):], nil
}
