package console

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tilldesk/bot/desk"
	"tilldesk/bot/signin"
	"tilldesk/content/source"
)

// A view is a way to look at the cases.
type view struct {
	name   string
	filter desk.Filter
	count  func(desk.Counts) int
}

// views stand in this order.
var views = []view{
	{"waiting", desk.Filter{Unowned: true}, func(n desk.Counts) int { return n.Waiting }},
	{"mine", desk.Filter{}, func(n desk.Counts) int { return n.Mine }},
	{"open", desk.Filter{}, func(n desk.Counts) int { return n.All }},
	{"late", desk.Filter{Overdue: true}, func(n desk.Counts) int { return n.Overdue }},
	{"snoozed", desk.Filter{Snoozed: true}, func(n desk.Counts) int { return n.Snoozed }},
	{"resolved", desk.Filter{States: []desk.State{desk.Resolved}, Order: desk.ByNewest}, func(n desk.Counts) int { return n.Resolved }},
	{"closed", desk.Filter{Any: true, Order: desk.ByNewest}, func(desk.Counts) int { return 0 }},
}

// queueBody is the page of the cases.
type queueBody struct {
	View    string
	Views   []tab
	Selects []choice
	Rows    []row
	Next    string
	Summary string
	Empty   string
}

// A choice is a list to choose one of.
type choice struct {
	Key, Name string
	Options   []option
}

// An option is one of them.
type option struct {
	Value, Name string
	Chosen      bool
}

// A row is a case in a list.
type row struct {
	Ticket, Title, Merchant, Why string
	Tags                         []string
	Channel, Lang                string
	Owner                        string
	Mine                         bool
	State                        desk.State
	StateName, Urgency           string
	Tone                         string // of the row: "", high, critical
	Since                        time.Time
	Waits                        string
	Late                         string // "", soon, late
}

const rowsAtOnce = 100

func (c *Console) queue(w http.ResponseWriter, r *http.Request) {
	ctx, v, query := r.Context(), signin.From(r.Context()), r.URL.Query()
	i := slices.IndexFunc(views, func(one view) bool { return one.name == query.Get("view") })
	chosenView := views[max(i, 0)]
	here, f := "queue", chosenView.filter
	if chosenView.name == "mine" {
		f.Owner, here = string(v.ID), "mine"
	}
	f.Channel, f.Lang, f.Tag, f.After = query.Get("channel"), source.Lang(query.Get("lang")), query.Get("tag"), query.Get("after")
	if n, err := strconv.Atoi(query.Get("urgency")); err == nil {
		f.Urgency = desk.Urgency(n)
	}
	f.Limit = rowsAtOnce
	p, err := c.begin(r, here, "queue."+chosenView.name)
	if err != nil {
		c.fail(w, r, err)
		return
	}
	p.Follows = "all"
	found, err := c.desk.Cases(ctx, f)
	if err != nil {
		c.fail(w, r, err)
		return
	}
	names, err := c.names(ctx)
	if err != nil {
		c.fail(w, r, err)
		return
	}
	body := queueBody{View: chosenView.name, Rows: c.rows(v, found.Cases, names), Empty: say(v.Lang, "queue.empty_other")}
	if chosenView.name == "waiting" {
		body.Empty = say(v.Lang, "queue.empty_waiting")
	}
	for _, other := range views {
		body.Views = append(body.Views, tab{
			Name: say(v.Lang, "queue."+other.name), Path: with(query, "view", other.name),
			Here: other.name == chosenView.name, Count: other.count(p.counts),
		})
	}
	body.Selects = []choice{
		{"channel", say(v.Lang, "queue.channel"), chosen(query.Get("channel"), c.channels(v.Lang))},
		{"lang", say(v.Lang, "queue.lang"), chosen(query.Get("lang"), []option{
			{"zh", say(v.Lang, "lang.zh"), false}, {"en", say(v.Lang, "lang.en"), false}})},
		{"urgency", say(v.Lang, "queue.urgency"), chosen(query.Get("urgency"), []option{
			{"2", say(v.Lang, "queue.urgency_least", say(v.Lang, "urgency.2")), false}, {"3", say(v.Lang, "urgency.3"), false}})},
	}
	if found.Next != "" {
		body.Next = with(query, "after", found.Next)
	}
	body.Summary = say(v.Lang, "queue.nobody")
	if p.counts.Waiting > 0 && !p.counts.Oldest.IsZero() {
		body.Summary = say(v.Lang, "queue.summary", p.counts.Waiting, since(v.Lang, c.now().Sub(p.counts.Oldest)))
	}
	p.Body = body
	c.show(w, r, http.StatusOK, "queue", p)
}

// with returns the path of the queue with one thing different, from its
// beginning unless that is what differs.
func with(query url.Values, key, value string) string {
	q := url.Values{}
	for _, k := range []string{"view", "channel", "lang", "urgency", "tag"} {
		if v := query.Get(k); v != "" {
			q.Set(k, v)
		}
	}
	q.Set(key, value)
	return "/desk/?" + q.Encode()
}

func chosen(value string, options []option) []option {
	for i := range options {
		options[i].Chosen = options[i].Value == value
	}
	return options
}

func (c *Console) channels(lang source.Lang) []option {
	var all []option
	for _, name := range []string{"web", "wechat", "telegram"} {
		all = append(all, option{name, say(lang, "channel."+name), false})
	}
	return all
}

// soon is how long before it is due an answer is said to be due soon.
const soon = 3 * time.Minute

// rows sets out cases as rows of a list.
func (c *Console) rows(v signin.Viewer, cases []desk.Case, names map[string]string) []row {
	var all []row
	for _, k := range cases {
		all = append(all, c.row(v, k, names))
	}
	return all
}

func (c *Console) row(v signin.Viewer, k desk.Case, names map[string]string) row {
	lang := v.Lang
	one := row{
		Ticket: k.Ticket, Title: titleOf(lang, k), Merchant: merchantOf(lang, k), Tags: k.Tags,
		Channel: sayOr(lang, "channel."+k.Address.Channel, k.Address.Channel), Lang: say(lang, "lang."+string(k.Lang)),
		Owner: nameIn(names, k.Owner), Mine: k.Owner == string(v.ID),
		State: k.State, StateName: say(lang, "state."+string(k.State)), Urgency: say(lang, "urgency."+strconv.Itoa(int(k.Urgency))),
	}
	why := []string{sayOr(lang, "cause."+string(k.Cause), string(k.Cause))}
	if n := len(k.Card.Tried); n > 0 {
		why = append(why, say(lang, "row.tried", n))
	}
	for _, fact := range []string{"brand", "wallet"} {
		if value := k.Card.Facts[fact]; value != "" {
			why = append(why, c.factOf(lang, fact, value))
		}
	}
	one.Why = strings.Join(append(why, k.Card.Codes...), " · ")
	if !k.Open() {
		return one
	}
	switch k.Urgency {
	case desk.High:
		one.Tone = "high"
	case desk.Urgent:
		one.Tone = "critical"
	}
	one.Since, one.Waits = k.Unanswered, say(lang, "row.waits")
	if one.Since.IsZero() {
		if k.Owner == "" {
			one.Since = k.Handed
		}
		return one
	}
	switch now := c.now(); {
	case k.Due.Answer.IsZero():
	case now.After(k.Due.Answer):
		one.Late = "late"
	case now.Add(soon).After(k.Due.Answer):
		one.Late = "soon"
	}
	return one
}

// factOf is a fact of a case in words: wallets and brands have names.
func (c *Console) factOf(lang source.Lang, key, value string) string {
	if k := c.opt.Knowledge(); k != nil {
		if name := k.Engine.Name(key, value).In(lang); name != "" {
			return name
		}
	}
	return value
}

// titleOf is what a case is about.
func titleOf(lang source.Lang, k desk.Case) string {
	if title := k.Card.Symptom.In(lang); title != "" {
		return title
	}
	if cause := sayOr(lang, "cause."+string(k.Cause), ""); cause != "" {
		return cause
	}
	return say(lang, "case.untitled")
}

// merchantOf is what a merchant is called: by staff, else by the end of what
// their network calls them.
func merchantOf(lang source.Lang, k desk.Case) string {
	if k.Merchant != "" {
		return k.Merchant
	}
	return unnamed(lang, k.Address.Remote)
}

func unnamed(lang source.Lang, remote string) string {
	return say(lang, "merchant.unnamed", ending(remote))
}

// ending is what tells an address from others, without being all of it.
func ending(remote string) string {
	runes := []rune(remote)
	return string(runes[max(0, len(runes)-5):])
}
