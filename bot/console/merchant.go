package console

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/desk"
	"tilldesk/bot/signin"
	"tilldesk/bot/staff"
	"tilldesk/content/source"
)

// merchantBody is the page of a merchant.
type merchantBody struct {
	ID            bot.ConversationID
	Channel, Lang string
	Facts         []fact
	Merged        bool // several conversations are shown as one
	Lead          bool
	Blocked       time.Time // since when they are kept out; zero if they are not
	Word          string    // to be typed before anything is erased
	Talks         []talk    // that can be erased
	Rows          []row
	Lines         []line
	Earlier       string
}

// A talk is one of the conversations of a merchant, as it is shown before it is
// erased.
type talk struct {
	ID                   bot.ConversationID
	Name                 string // among the others
	What, Dates, Tickets string
	Chosen               bool
}

const (
	casesAtOnce    = 50
	messagesAtOnce = 100
)

func (c *Console) merchant(w http.ResponseWriter, r *http.Request) {
	ctx, v := r.Context(), signin.From(r.Context())
	id := bot.ConversationID(r.PathValue("id"))
	talks, err := c.store.ConversationsOf(ctx, id)
	if err != nil {
		c.fail(w, r, err)
		return
	}
	p, err := c.begin(r, "", "merchant.title")
	if err != nil {
		c.fail(w, r, err)
		return
	}
	p.Follows, p.Pause = "all", 3000
	if r.URL.Query().Has("before") {
		p.Follows = "none" // what was long ago does not change
	}
	cases, err := c.desk.CasesOfMerchant(ctx, id, casesAtOnce)
	if err != nil {
		c.fail(w, r, err)
		return
	}
	at := newPaging(talks, r.URL.Query()["before"])
	messages, err := c.before(ctx, talks, at, messagesAtOnce)
	if err != nil {
		c.fail(w, r, err)
		return
	}
	names, err := c.names(ctx)
	if err != nil {
		c.fail(w, r, err)
		return
	}
	var events []desk.Event
	for _, k := range cases { // of all conversations
		some, err := c.desk.Timeline(ctx, k.Ticket, 0, 0)
		if err != nil {
			c.fail(w, r, err)
			return
		}
		events = append(events, some...)
	}
	lang, conversation := v.Lang, talks[0]
	var channels []string
	for _, talk := range talks {
		channels = append(channels, talkName(lang, talks, talk.ID))
	}
	body := merchantBody{
		ID: id, Channel: strings.Join(channels, " + "), Merged: len(talks) > 1,
		Lang: say(lang, "lang."+string(conversation.State.Lang)),
		Lead: v.Role.Includes(staff.Lead), Word: say(lang, "merchant.erase_word"),
		Rows: c.rows(v, cases, names), Lines: c.lines(lang, talks, messages, within(events, messages), names),
	}
	p.Title = unnamed(lang, conversation.Address.Remote)
	if len(cases) > 0 && cases[0].Merchant != "" { // one name for all conversations
		p.Title = cases[0].Merchant
	}
	if body.Lead {
		if body.Talks, err = c.erasable(ctx, lang, talks); err != nil {
			c.fail(w, r, err)
			return
		}
	}
	if body.Blocked, err = c.store.Blocked(ctx, id); err != nil {
		c.fail(w, r, err)
		return
	}
	known := map[string]bool{}
	for _, k := range cases {
		for _, key := range []string{"brand", "model", "wallet", "merchant_no"} {
			if value := k.Card.Facts[key]; value != "" && !known[key] {
				known[key] = true
				body.Facts = append(body.Facts, fact{say(lang, "fact."+key), c.factOf(lang, key, value)})
			}
		}
	}
	body.Facts = append(body.Facts, fact{say(lang, "fact.cases"), strconv.Itoa(len(cases))})
	if len(messages) > 0 {
		body.Facts = append(body.Facts, fact{say(lang, "fact.since"), moment(lang, messages[0].At, c.now(), c.zone())})
	}
	if len(messages) == messagesAtOnce {
		at.saw(messages)
		body.Earlier = "/desk/merchant/" + url.PathEscape(string(id)) + at.query()
	}
	p.Body = body
	c.show(w, r, http.StatusOK, "merchant", p)
}

// within returns the events that happened while the messages were written.
func within(events []desk.Event, messages []bot.Entry) []desk.Event {
	if len(messages) == 0 {
		return nil
	}
	last := messages[len(messages)-1].At.Add(time.Minute)
	return slices.DeleteFunc(events, func(e desk.Event) bool { return len(messages) == messagesAtOnce && e.At.After(last) })
}

// photo serves a file of a message. Only re-encoded pictures are kept as
// image/jpeg; nothing else is served as something to look at.
func (c *Console) photo(w http.ResponseWriter, r *http.Request) {
	e, err := c.store.Entry(r.Context(), bot.ConversationID(r.PathValue("id")), bot.MessageID(r.PathValue("message")))
	if err != nil {
		c.fail(w, r, err)
		return
	}
	files := slices.Concat(e.Media, e.Reply.Media)
	n, err := strconv.Atoi(r.PathValue("n"))
	if err != nil || n < 0 || n >= len(files) || files[n].Kind != "image" || files[n].Path == "" {
		c.fail(w, r, desk.ErrNotFound)
		return
	}
	f, err := c.opt.Media.Open(files[n].Path)
	if errors.Is(err, fs.ErrNotExist) {
		err = desk.ErrNotFound
	}
	if err != nil {
		c.fail(w, r, err)
		return
	}
	defer f.Close()
	head := w.Header()
	head.Set("Content-Type", "image/jpeg")
	head.Set("Content-Disposition", `inline; filename="photo.jpg"`)
	head.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	head.Set("Cache-Control", "private, max-age=3600")
	http.ServeContent(w, r, "", time.Time{}, f)
}

// export sends what is stored of a merchant, or of one of their conversations.
func (c *Console) export(what func(context.Context, bot.ConversationID) ([]byte, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		data, err := what(r.Context(), bot.ConversationID(r.PathValue("id")))
		if err != nil {
			c.fail(w, r, err)
			return
		}
		head := w.Header()
		head.Set("Content-Type", "application/json; charset=utf-8")
		head.Set("Content-Disposition", `attachment; filename="merchant.json"`)
		_, _ = w.Write(data)
	}
}

// block keeps a merchant out, unblock lets them in again. The browser goes back
// to where it was asked: the case, or the merchant.
func (c *Console) block(w http.ResponseWriter, r *http.Request) {
	id := bot.ConversationID(r.PathValue("id"))
	c.blocked(w, r, id, c.desk.Block(r.Context(), id, actor(signin.From(r.Context())), r.PostFormValue("why")))
}

func (c *Console) unblock(w http.ResponseWriter, r *http.Request) {
	id := bot.ConversationID(r.PathValue("id"))
	c.blocked(w, r, id, c.desk.Unblock(r.Context(), id, actor(signin.From(r.Context()))))
}

func (c *Console) blocked(w http.ResponseWriter, r *http.Request, id bot.ConversationID, err error) {
	if err != nil {
		c.fail(w, r, err)
		return
	}
	back := "/desk/merchant/" + url.PathEscape(string(id))
	if ticket := r.PostFormValue("case"); ticket != "" {
		back = "/desk/case/" + url.PathEscape(ticket)
	}
	c.done(w, r, back, told{Go: back})
}

// erasable sets out the conversations of a merchant for those who may erase
// them. Only the one that was asked for is chosen: that the others are of the
// same merchant is what staff believe.
func (c *Console) erasable(ctx context.Context, lang source.Lang, talks []bot.Conversation) ([]talk, error) {
	var all []talk
	for i, one := range talks {
		e, err := c.store.Extent(ctx, one.ID)
		if err != nil {
			return nil, err
		}
		t := talk{ID: one.ID, Name: talkName(lang, talks, one.ID) + " " + ending(one.Address.Remote), What: say(lang, "merchant.erase_row", talkName(lang, talks, one.ID), ending(one.Address.Remote), e.Messages), Chosen: i == 0}
		if e.Messages > 0 {
			t.Dates = say(lang, "merchant.erase_dates", moment(lang, e.First, c.now(), c.zone()), moment(lang, e.Last, c.now(), c.zone()))
		}
		if len(e.Tickets) > 0 {
			t.Tickets = say(lang, "merchant.erase_cases", strings.Join(e.Tickets, say(lang, "list.comma")))
		}
		all = append(all, t)
	}
	return all, nil
}

// erase deletes all that is stored of the chosen conversations of a merchant, if
// the word was typed, and says what was left.
func (c *Console) erase(w http.ResponseWriter, r *http.Request) {
	ctx, lang, id := r.Context(), signin.From(r.Context()).Lang, bot.ConversationID(r.PathValue("id"))
	if typed := strings.TrimSpace(r.PostFormValue("sure")); !strings.EqualFold(typed, say(lang, "merchant.erase_word")) {
		c.fail(w, r, &inputError{"merchant.erase_unsure"})
		return
	}
	chosen := r.PostForm["talk"]
	if len(chosen) == 0 {
		c.fail(w, r, &inputError{"merchant.erase_none"})
		return
	}
	talks, err := c.store.ConversationsOf(ctx, id)
	if err != nil {
		c.fail(w, r, err)
		return
	}
	var gone []bot.ConversationID
	var erased, left []string
	for _, one := range talks {
		name := talkName(lang, talks, one.ID) + " " + ending(one.Address.Remote)
		if slices.Contains(chosen, string(one.ID)) {
			gone, erased = append(gone, one.ID), append(erased, name)
		} else {
			left = append(left, name)
		}
	}
	if len(gone) != len(chosen) {
		c.fail(w, r, &inputError{"merchant.erase_changed"})
		return
	}
	files, err := c.store.EraseSeveral(ctx, gone[0], gone[1:]...)
	for _, file := range files {
		if e := c.opt.Media.Remove(file); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, fmt.Errorf("deleting a photo of an erased merchant: %w", e))
		}
	}
	if errors.Is(err, desk.ErrNotSame) {
		err = &inputError{"merchant.erase_changed"}
	}
	if err != nil {
		c.fail(w, r, err)
		return
	}
	p, err := c.begin(r, "", "merchant.erased")
	if err != nil {
		c.fail(w, r, err)
		return
	}
	p.Follows = "none"
	comma := say(lang, "list.comma")
	text := say(lang, "merchant.erased_what", strings.Join(erased, comma))
	if len(left) > 0 {
		text += " " + say(lang, "merchant.erased_left", strings.Join(left, comma))
	}
	p.Body = struct{ Text, Back string }{text, "/desk/"}
	c.show(w, r, http.StatusOK, "problem", p)
}
