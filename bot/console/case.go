package console

import (
	"context"
	"crypto/rand"
	"fmt"
	"math"
	"net/http"
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

// caseBody is the page of a case.
type caseBody struct {
	Ticket, Title, Back string
	State               desk.State
	StateName           string
	Urgent              bool
	Urgency             string
	Owner               string
	Mine                bool
	Due                 *marked
	Snoozed, Blocked    time.Time
	Viewers             []viewer
	Can                 can
	Causes, Fixes       []option
	Members, Urgencies  []option
	Snoozes             []option
	Earlier             string
	MergedInto          string
	SplitWhat           string   // what taking the merge back will do
	Talks               []option // where a reply may go, if there is a choice
	Lines               []line
	ClientID            string
	Windows             []window // what may be sent in each of the talks where only so much may

	Next         string
	Facts        []fact
	Tried        []tried
	Photos       []string
	Passages     []passage
	Tags         []string
	TagLine      string
	Conversation bot.ConversationID
	Merchant     string
	Name         string
	Past         []link
	Similar      []link
}

// marked is a text with a tone: soon, late.
type marked struct{ Text, Tone string }

// window says what may still be sent in a conversation. Talk is what that is
// called where there is a choice of several, of which one is chosen.
type window struct {
	ID   bot.ConversationID
	Talk string
	marked
	Chosen bool
}

type viewer struct {
	Name   string
	Typing bool
}

// can is what may be done with a case now.
type can struct {
	Take, Resolve, Give, Snooze, Wake, PutBack, Release, Close, Merge, Split, Reopen, More, Block, Unblock bool
}

type fact struct{ Name, Value string }

type tried struct{ Mark, Text, Result, Note string }

type passage struct{ Title, Text string }

type link struct{ Ticket, Title, When, State string }

func (c *Console) showCase(w http.ResponseWriter, r *http.Request) {
	ctx, v := r.Context(), signin.From(r.Context())
	p, err := c.begin(r, "", "card")
	if err != nil {
		c.fail(w, r, err)
		return
	}
	card, err := c.desk.Card(ctx, r.PathValue("ticket"))
	if err != nil {
		c.fail(w, r, err)
		return
	}
	events, err := c.desk.Timeline(ctx, card.Case.Ticket, 0, 0)
	if err != nil {
		c.fail(w, r, err)
		return
	}
	for _, double := range card.Doubles { // what was noted there is not lost
		some, err := c.desk.Timeline(ctx, double.Ticket, 0, 0)
		if err != nil {
			c.fail(w, r, err)
			return
		}
		events = append(events, some...)
	}
	names, err := c.names(ctx)
	if err != nil {
		c.fail(w, r, err)
		return
	}
	members, err := c.desk.Members(ctx)
	if err != nil {
		c.fail(w, r, err)
		return
	}
	k := card.Case
	p.Ticket, p.Title = k.Ticket, k.Ticket+" "+titleOf(v.Lang, k)
	body := c.caseHead(v, k, names)
	body.Lines = c.lines(v.Lang, card.Talks, card.Messages, events, names)
	shown := newPaging(card.Talks, nil)
	shown.saw(card.Messages)
	earlier, err := c.before(ctx, card.Talks, shown, 1)
	if err != nil {
		c.fail(w, r, err)
		return
	}
	if len(earlier) > 0 {
		body.Earlier = "/desk/merchant/" + string(k.Conversation) + shown.query()
	}
	body.Talks = talkOptions(v.Lang, card)
	for _, m := range members {
		if m.ID == k.Owner {
			continue
		}
		name := m.Name
		if m.Lead {
			name = say(v.Lang, "give.lead", name)
		}
		if m.Away {
			name = say(v.Lang, "give.away", name)
		}
		body.Members = append(body.Members, option{m.ID, name, false})
	}
	body.ClientID = rand.Text()
	if k.MergedInto != "" {
		p.Follows = "all" // what is said goes to the other case, and is shown here too
		if body.SplitWhat, err = c.splitWhat(ctx, v.Lang, card.Talks); err != nil {
			c.fail(w, r, err)
			return
		}
	}
	if body.Windows, err = c.windows(v.Lang, card, body.Talks); err != nil {
		c.fail(w, r, err)
		return
	}
	c.cardOf(v.Lang, card, &body)
	p.Body = body
	c.show(w, r, http.StatusOK, "case", p)
}

// splitWhat says what taking a merge back gives back to whom. Where more than two
// conversations are merged, what the others have stays theirs.
func (c *Console) splitWhat(ctx context.Context, lang source.Lang, talks []bot.Conversation) (string, error) {
	text := []string{say(lang, "split.what")}
	if len(talks) == 2 {
		text = append(text, "", say(lang, "split.then"))
		for _, talk := range talks {
			name, blocked, err := c.store.Own(ctx, talk.ID)
			if err != nil {
				return "", err
			}
			called, kept := say(lang, "split.unnamed"), say(lang, "split.free")
			if name != "" {
				called = say(lang, "split.named", name)
			}
			if !blocked.IsZero() {
				kept = say(lang, "case.blocked", moment(lang, blocked, c.now(), c.zone()))
			}
			text = append(text, say(lang, "split.side", talkName(lang, talks, talk.ID)+" "+ending(talk.Address.Remote), called, kept))
		}
	}
	return strings.Join(text, "\n"), nil
}

// talkOptions are the conversations in which the merchant waits for the people
// of a case; that in which they wrote last is chosen. Nil if there is but one.
func talkOptions(lang source.Lang, card desk.Card) []option {
	var options []option
	wrote := card.Case.Conversation
	waits := func(c bot.Conversation) bool {
		return c.ID == card.Case.Conversation || c.State.Ticket == card.Case.Ticket
	}
	for _, m := range card.Messages {
		if m.Author == bot.Merchant && slices.ContainsFunc(card.Talks, func(c bot.Conversation) bool { return c.ID == m.Conversation && waits(c) }) {
			wrote = m.Conversation
		}
	}
	for _, c := range card.Talks {
		if waits(c) {
			options = append(options, option{string(c.ID), talkName(lang, card.Talks, c.ID), c.ID == wrote})
		}
	}
	if len(options) < 2 {
		return nil
	}
	return options
}

// fewLeft is how many messages of a window are few.
const fewLeft = 2

// windows says of each conversation that a reply may go to what may be sent
// there, as far as the network grants only so much.
func (c *Console) windows(lang source.Lang, card desk.Card, talks []option) ([]window, error) {
	if talks == nil {
		talks = []option{{Value: string(card.Case.Conversation), Chosen: true}}
	}
	var all []window
	for _, one := range talks {
		i := slices.IndexFunc(card.Talks, func(talk bot.Conversation) bool { return string(talk.ID) == one.Value })
		if i < 0 {
			continue
		}
		left, err := c.window(lang, card.Talks[i])
		if err != nil {
			return nil, err
		}
		if left != nil {
			all = append(all, window{card.Talks[i].ID, one.Name, *left, one.Chosen})
		}
	}
	return all, nil
}

// window says what may still be sent in a conversation, where the network
// grants only so much; nil where it does not.
func (c *Console) window(lang source.Lang, talk bot.Conversation) (*marked, error) {
	if c.opt.Channel == nil {
		return nil, nil
	}
	channel, ok := c.opt.Channel(talk.Address.Channel).(bot.Windowed)
	if !ok {
		return nil, nil
	}
	now := c.now()
	window, err := channel.Window(talk, now)
	if err != nil {
		return nil, fmt.Errorf("asking what may be sent in conversation %s: %w", talk.ID, err)
	}
	left := window.Left(now)
	switch {
	case left == 0:
		return &marked{say(lang, "window.shut"), "late"}, nil
	case left == 1:
		return &marked{say(lang, "window.one", moment(lang, window.Until, now, c.zone())), "soon"}, nil
	case left <= fewLeft:
		return &marked{say(lang, "window.open", left, moment(lang, window.Until, now, c.zone())), "soon"}, nil
	}
	return &marked{say(lang, "window.open", left, moment(lang, window.Until, now, c.zone())), "soft"}, nil
}

// caseHead sets out what stands above the talk: where the case stands and what
// may be done.
func (c *Console) caseHead(v signin.Viewer, k desk.Case, names map[string]string) caseBody {
	lang, now := v.Lang, c.now()
	body := caseBody{
		Ticket: k.Ticket, Title: titleOf(lang, k), Back: "/desk/",
		State: k.State, StateName: say(lang, "state."+string(k.State)),
		Urgent: k.Urgency >= desk.High && k.Open(), Urgency: say(lang, "urgency."+strconv.Itoa(int(k.Urgency))),
		Owner: nameIn(names, k.Owner), Mine: k.Owner == string(v.ID) && k.Owner != "", Snoozed: k.Snoozed, Blocked: k.Blocked, MergedInto: k.MergedInto,
	}
	if body.Mine {
		body.Back = "/desk/?view=mine"
	}
	if k.Open() && !k.Due.Answer.IsZero() && k.Snoozed.IsZero() {
		at := moment(lang, k.Due.Answer, now, c.zone())
		if now.After(k.Due.Answer) {
			body.Due = &marked{say(lang, "due.answer_late", at), "late"}
		} else {
			body.Due = &marked{say(lang, "due.answer", at), "soft"}
		}
	}
	for _, one := range k.Viewers {
		if one.Staff != string(v.ID) {
			body.Viewers = append(body.Viewers, viewer{nameIn(names, one.Staff), one.Typing})
		}
	}
	lead := v.Role.Includes(staff.Lead)
	may := k.Owner == "" || body.Mine || lead
	open := k.Open()
	body.Can = can{
		Take: open && k.Owner == "", Resolve: open && may, Give: open && may, Snooze: open && may && k.Snoozed.IsZero(),
		Wake: open && may && !k.Snoozed.IsZero(), PutBack: open && may && k.Owner != "", Release: open && may,
		Close: open && may, Merge: open && may, Split: k.MergedInto != "", Reopen: !open && k.MergedInto == "", More: open && may,
		Block: open && lead && k.Blocked.IsZero(), Unblock: lead && !k.Blocked.IsZero(),
	}
	for u := desk.Low; u <= desk.Urgent; u++ {
		n := strconv.Itoa(int(u))
		body.Urgencies = append(body.Urgencies, option{n, say(lang, "urgency."+n), u == k.Urgency})
	}
	local := now.In(c.zone())
	tomorrow := time.Date(local.Year(), local.Month(), local.Day()+1, 9, 0, 0, 0, local.Location())
	body.Snoozes = []option{
		{"30m", say(lang, "snooze.minutes", 30), false}, {"2h", say(lang, "snooze.hours", 2), false},
		{tomorrow.UTC().Format(time.RFC3339), say(lang, "snooze.tomorrow"), false},
	}
	return body
}

// cardOf sets out what stands beside the talk.
func (c *Console) cardOf(lang source.Lang, card desk.Card, body *caseBody) {
	k := card.Case
	body.Next = card.Suggestion
	body.Conversation, body.Merchant, body.Name = k.Conversation, merchantOf(lang, k), k.Merchant
	body.Tags, body.TagLine = k.Tags, strings.Join(k.Tags, ", ")
	add := func(key, value string) {
		if value != "" {
			body.Facts = append(body.Facts, fact{sayOr(lang, "fact."+key, key), value})
		}
	}
	add("cause", sayOr(lang, "cause."+string(k.Cause), string(k.Cause)))
	for _, symptom := range k.Card.Later {
		add("later", symptom.In(lang))
	}
	if suspect := k.Card.Suspect.In(lang); suspect != "" {
		add("suspect", say(lang, "fact.suspect_value", suspect, int(math.Round(100*k.Card.Chance))))
	}
	keys := make([]string, 0, len(k.Card.Facts))
	for key := range k.Card.Facts {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		add(key, c.factOf(lang, key, k.Card.Facts[key]))
	}
	add("codes", strings.Join(k.Card.Codes, ", "))
	for _, key := range []string{"brand", "model", "wallet", "merchant_no"} {
		if value := card.Remembered[key]; value != "" {
			add(key, c.factOf(lang, key, value)+" · "+say(lang, "fact.before"))
		}
	}
	if card.Down > 0 {
		add("down", since(lang, card.Down))
	}
	add("channel", sayOr(lang, "channel."+k.Address.Channel, k.Address.Channel))
	add("lang", say(lang, "lang."+string(k.Lang)))
	add("opened", moment(lang, k.Handed, c.now(), c.zone()))
	if !k.Answered.IsZero() {
		add("wait", span(lang, k.Answered.Sub(k.Opened)))
	}
	for _, o := range card.Causes {
		body.Causes = append(body.Causes, option{o.ID, o.Text.In(lang), o.ID == k.Finding.Cause})
		if o.ID == k.Finding.Cause {
			add("finding", o.Text.In(lang))
		}
	}
	for _, o := range card.Fixes {
		body.Fixes = append(body.Fixes, option{o.ID, o.Text.In(lang), o.ID == k.Finding.Fix})
		if o.ID == k.Finding.Fix {
			add("fix", o.Text.In(lang))
		}
	}
	if k.Finding.Cause != "" && !slices.ContainsFunc(card.Causes, func(o desk.Option) bool { return o.ID == k.Finding.Cause }) {
		add("finding", k.Finding.Cause)
	}
	if k.Finding.Fix != "" && !slices.ContainsFunc(card.Fixes, func(o desk.Option) bool { return o.ID == k.Finding.Fix }) {
		add("fix", k.Finding.Fix)
	}
	if k.Rating > 0 {
		add("rating", strconv.Itoa(k.Rating)+" / 5")
	}
	marks := map[string]string{"yes": "ok", "fixed": "ok", "no": "no", "not_fixed": "no"}
	for _, t := range k.Card.Tried {
		mark, known := marks[string(t.Result)]
		if !known {
			mark = "skip"
		}
		body.Tried = append(body.Tried, tried{mark, t.Text.In(lang), sayOr(lang, "result."+string(t.Result), string(t.Result)), t.Note})
	}
	for _, photo := range card.Photos {
		if n := mediaIndex(card.Messages, photo); n >= 0 {
			body.Photos = append(body.Photos, photoURL(photo.Conversation, photo.Message, n))
		}
	}
	for _, hit := range card.Passages {
		body.Passages = append(body.Passages, passageOf(hit, k.Lang))
	}
	body.Past, body.Similar = c.links(lang, slices.Concat(card.Doubles, card.Earlier)), c.links(lang, card.Similar)
}

// mediaIndex finds a photo among the files of its message.
func mediaIndex(messages []bot.Entry, photo desk.Photo) int {
	for _, e := range messages {
		if e.ID == photo.Message {
			return slices.Index(e.Media, photo.Media)
		}
	}
	return -1
}

func photoURL(conversation bot.ConversationID, message bot.MessageID, n int) string {
	return "/desk/merchant/" + string(conversation) + "/photo/" + string(message) + "/" + strconv.Itoa(n)
}

func (c *Console) links(lang source.Lang, cases []desk.Case) []link {
	var all []link
	for _, k := range cases {
		all = append(all, link{k.Ticket, titleOf(lang, k), moment(lang, k.Opened, c.now(), c.zone()), say(lang, "state."+string(k.State))})
	}
	return all
}
