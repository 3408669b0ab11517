package staffgroup_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tilldesk/bot"
	"tilldesk/bot/desk"
	"tilldesk/bot/outbox"
	"tilldesk/bot/staff"
	"tilldesk/bot/store"
	"tilldesk/bot/store/storetest"
	"tilldesk/bot/telegram"
	"tilldesk/bot/telegram/staffgroup"
	"tilldesk/bot/telegram/telegramtest"
	"tilldesk/bot/trial"
	"tilldesk/content/source"
)

const groupID = -1001234567890

// Telegram users of the tests.
const (
	wang     int64 = 901
	li       int64 = 902
	stranger int64 = 903
)

// people are two members of the staff.
type people struct{}

func (people) OfTelegram(_ context.Context, user int64) (staff.Staff, error) {
	switch user {
	case wang:
		return staff.Staff{ID: "s-wang", Name: "Wang", Role: staff.Agent}, nil
	case li:
		return staff.Staff{ID: "s-li", Name: "Li", Role: staff.Agent}, nil
	}
	return staff.Staff{}, staff.ErrUnknown
}

func (people) Redeem(_ context.Context, code string, _ int64) (staff.Staff, error) {
	if code == "good" || code == "abcd-2345-wxyz" {
		return staff.Staff{ID: "s-wang", Name: "Wang"}, nil
	}
	return staff.Staff{}, staff.ErrUnknown
}

func (people) Members(context.Context) ([]desk.Member, error) {
	return []desk.Member{{ID: "s-wang", Name: "Wang"}, {ID: "s-li", Name: "Li"}}, nil
}

type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

// service is the staff group as it runs, with all that is behind it.
type service struct {
	*testing.T
	api   *telegramtest.Server
	forum *telegramtest.Forum
	db    *store.DB
	desk  *desk.Desk
	stop  func()
	dsn   string

	engine *bot.Engine
	group  *staffgroup.Group
}

func start(t *testing.T, api *telegramtest.Server, dsn string, perMinute int) *service {
	t.Helper()
	k := trial.LittleKnowledge(t)
	var err error
	s := &service{T: t, api: api, dsn: dsn}
	if s.api == nil {
		s.api = telegramtest.New(t)
	}
	s.forum = s.api.Forum(groupID)
	if s.dsn == "" {
		s.dsn = storetest.SQLite(t)
	}
	if s.db, err = store.Open(context.Background(), s.dsn, store.Options{}); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	j := new(journal)
	log := slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug}))
	engine := bot.NewEngine(s.db, k, "test", bot.Options{Log: log, Idle: 50 * time.Millisecond})
	s.engine = engine
	channel, err := telegram.New(engine, s.db, telegram.Options{Token: s.api.Token, APIURL: s.api.URL, Owner: "test", Data: root, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	box := outbox.New(s.db, map[string]bot.Channel{telegram.Name: channel}, outbox.Options{Owner: "test", Log: log, Idle: 50 * time.Millisecond, Grace: time.Second})
	s.desk = desk.New(s.db, desk.Options{Knowledge: func() *bot.Knowledge { return k }, Roster: people{}, Log: log, Poll: 50 * time.Millisecond,
		Said: func(bot.ConversationID) { box.Wake() }})
	engine.Committed = func(bot.ConversationID) { box.Wake(); s.desk.Wake() }
	group := staffgroup.New(channel.API(), s.desk, people{}, s.db, staffgroup.Options{Chat: groupID, Lang: source.En, Owner: "test", PerMinute: perMinute, Data: root, Log: log})
	channel.SetGroup(group)
	s.group = group

	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, run := range []func(context.Context){engine.Run, channel.Receive, channel.Work, box.Run, s.desk.Run, group.Run} {
		running.Go(func() { run(ctx) })
	}
	var once sync.Once
	s.stop = func() {
		once.Do(func() {
			cancel()
			running.Wait()
			root.Close()
			if err := s.db.Close(); err != nil {
				t.Error(err)
			}
			if t.Failed() {
				t.Log(j.text.String())
			}
		})
	}
	t.Cleanup(s.stop)
	return s
}

// fast is a budget that lets tests go on.
const fast = 6000

// card returns the card of the only topic, once it is pinned.
func (s *service) card(n int) (telegramtest.Topic, telegramtest.Message) {
	s.Helper()
	var topic telegramtest.Topic
	var card telegramtest.Message
	s.api.Wait("a pinned card", func() bool {
		topics := s.forum.Topics()
		if len(topics) < n {
			return false
		}
		topic = topics[n-1]
		for _, m := range s.forum.In(topic.Thread) {
			if m.Pinned {
				card = m
			}
		}
		return card.ID != 0
	})
	return topic, card
}

// shows waits until a text is in a topic.
func (s *service) shows(thread int, text string) {
	s.Helper()
	s.api.Wait("“"+text+"” in the topic", func() bool {
		return slices.ContainsFunc(s.forum.In(thread), func(m telegramtest.Message) bool { return strings.Contains(m.Text, text) })
	})
}

func (s *service) hears(u *telegramtest.User, text string) {
	s.Helper()
	s.api.Wait("“"+text+"” to reach the merchant", func() bool { return heard(u, text) })
}

func heard(u *telegramtest.User, text string) bool {
	return slices.ContainsFunc(u.Heard(), func(m telegramtest.Message) bool { return strings.Contains(m.Text, text) })
}

// TestCase: a merchant to a person and back, on both sides.
func TestCase(t *testing.T) {
	s := start(t, nil, "", fast)
	mei := s.api.User(55, "en")
	mei.Say("the terminal <b>& _*\\_ is black")
	mei.Say("/human")
	topic, card := s.card(1)
	if !strings.HasPrefix(topic.Name, "⏳") || !strings.Contains(card.Text, "<b>& _*\\_") {
		t.Errorf("the topic is %q, the card %q", topic.Name, card.Text)
	}

	// Before somebody takes it, and from those who are not staff, nothing goes out.
	s.forum.Write(wang, topic.Thread, "who takes this?")
	s.shows(topic.Thread, "Not sent to the merchant yet")
	s.forum.Write(stranger, topic.Thread, "/take")
	s.shows(topic.Thread, "I do not know you yet")
	s.forum.Press(wang, card, "Take")
	s.api.Wait("the card to show who has it", func() bool {
		_, card = s.card(1)
		return strings.Contains(card.Text, "Owner: Wang") && slices.Contains(card.Labels(), "Resolve")
	})
	s.api.Wait("the topic to show it", func() bool { return strings.HasPrefix(s.forum.Topics()[0].Name, "🛠") })

	// Both ways, with a mark when it has arrived.
	post := s.forum.Write(wang, topic.Thread, "hello, Wang here")
	s.hears(mei, "hello, Wang here")
	s.api.Wait("the mark", func() bool {
		return slices.ContainsFunc(s.forum.In(topic.Thread), func(m telegramtest.Message) bool { return m.ID == post && m.Reaction == "👍" })
	})
	mei.Say("still black")
	s.shows(topic.Thread, "👤 still black")
	mei.Send(map[string]any{"voice": map[string]any{"file_id": s.api.File("v.ogg", []byte("OggS"), 0), "file_unique_id": "u", "duration": 2}})
	s.api.Wait("the voice to be copied", func() bool { return len(s.api.Calls("copyMessage")) == 1 })

	// What is not for the merchant stays here.
	s.forum.Write(wang, topic.Thread, "/note a difficult one")
	note := s.forum.Write(wang, topic.Thread, "// between us")
	s.forum.Edit(note, "between us all")
	s.forum.Edit(post, "hello, it is Wang")
	s.hears(mei, "hello, it is Wang")
	s.forum.Write(li, topic.Thread, "shall I help?")
	s.shows(topic.Thread, "this case is with Wang")
	s.forum.Send(wang, topic.Thread, map[string]any{"pinned_message": map[string]any{"message_id": 1, "date": 1, "chat": map[string]any{"id": groupID, "type": "supergroup"}}})
	s.forum.Send(wang, topic.Thread, map[string]any{"forum_topic_edited": map[string]any{"name": "between us"}})
	s.forum.Send(anonymous, topic.Thread, map[string]any{"text": "I am the boss", "sender_chat": map[string]any{"id": groupID, "type": "supergroup"}})
	s.shows(topic.Thread, "Remain anonymous")

	// Handed over, set to another language, resolved.
	s.forum.Write(wang, topic.Thread, "/assign li")
	s.shows(topic.Thread, "Given to Li")
	s.forum.Write(li, topic.Thread, "now it is me")
	s.hears(mei, "now it is me")
	s.forum.Write(li, topic.Thread, "/open@"+telegramtest.BotName)
	s.shows(topic.Thread, "1 open:")
	s.forum.Write(li, topic.Thread, "/resolve printer")
	s.shows(topic.Thread, "Marked as solved")
	s.api.Wait("the topic to be closed", func() bool { return s.forum.Topics()[0].Closed })
	for _, m := range s.forum.In(topic.Thread) {
		if strings.Contains(m.Text, "is not sent again") {
			t.Errorf("message %d, a note that was changed, is said not to be sent again", m.ReplyTo)
		}
	}
	for _, secret := range []string{"difficult", "between us", "shall I", "boss", "who takes"} {
		if heard(mei, secret) {
			t.Errorf("the merchant heard %q", secret)
		}
	}
}

// TestBlock: who is blocked is neither answered nor alerted about, all they
// write is kept, and they are answered again when it is undone.
func TestBlock(t *testing.T) {
	s := start(t, nil, "", fast)
	mei := s.api.User(55, "en")
	mei.Say("the screen is black")
	mei.Say("/human")
	topic, card := s.card(1)
	s.forum.Write(wang, topic.Thread, "/unblock")
	s.shows(topic.Thread, "This merchant is not blocked")
	s.forum.Press(li, card, "Take")
	s.api.Wait("the card to show who has it", func() bool {
		_, card = s.card(1)
		return strings.Contains(card.Text, "Owner: Li")
	})
	s.forum.Write(wang, topic.Thread, "/block")
	s.shows(topic.Thread, "It is with Li")
	s.forum.Write(li, topic.Thread, "/block advertising")
	s.shows(topic.Thread, "To undo it write /unblock T1")
	s.api.Wait("the card to show it", func() bool {
		_, card = s.card(1)
		return strings.Contains(card.Text, "Blocked since")
	})
	s.api.Wait("the topic to be closed", func() bool { return s.forum.Topics()[0].Closed })

	said, shown := len(mei.Heard()), len(s.forum.In(topic.Thread))
	mei.Say("buy my things")
	mei.Say("/human")
	talk, _, err := s.db.ConversationOf(t.Context(), telegram.Name, "55")
	if err != nil {
		t.Fatal(err)
	}
	s.api.Wait("it to be stored and settled", func() bool {
		entries, err := s.db.History(t.Context(), talk.ID, 0, 100)
		q, err2 := s.db.Queue(t.Context())
		return err == nil && err2 == nil && q.Waiting == 0 && len(entries) > 1 && entries[len(entries)-2].Reply.Text == "buy my things"
	})
	// Another merchant goes all the way meanwhile.
	bo := s.api.User(56, "en")
	bo.Say("/human")
	s.card(2)
	if n := len(mei.Heard()); n != said {
		t.Errorf("the merchant heard %d messages more", n-said)
	}
	if n := len(s.forum.In(topic.Thread)); n != shown {
		t.Errorf("%d messages more in the topic", n-shown)
	}
	if c, err := s.desk.Case(t.Context(), "T1"); err != nil || c.State != desk.Closed || c.Blocked.IsZero() {
		t.Errorf("the case is %s, blocked %v, %v", c.State, c.Blocked, err)
	}

	s.forum.Write(stranger, 0, "/unblock T1")
	s.forum.Write(li, 0, "/unblock T9")
	s.shows(0, "That did not work")
	s.forum.Write(li, 0, "/unblock t1")
	s.shows(0, "Undone")
	mei.Say("the screen is black")
	s.api.Wait("an answer", func() bool { return len(mei.Heard()) > said })
}

const anonymous = 1087968824

// TestBothSurfaces: what is done at the desk shows in the group within a second.
func TestBothSurfaces(t *testing.T) {
	s := start(t, nil, "", fast)
	mei := s.api.User(55, "en")
	mei.Say("/human")
	topic, card := s.card(1)
	ticket := strings.TrimPrefix(card.Buttons[0][0].Data, "1|g|take|")
	who := desk.Actor{ID: "s-li", Name: "Li"}
	if _, err := s.desk.Take(t.Context(), ticket, who); err != nil {
		t.Fatal(err)
	}
	s.api.Wait("the card to show it", func() bool { _, c := s.card(1); return strings.Contains(c.Text, "Owner: Li") })
	s.forum.Press(wang, card, "Take")
	s.api.Wait("the loser to be told", func() bool {
		for _, text := range s.api.Notices() {
			if text == "It is with Li." {
				return true
			}
		}
		return false
	})
	if _, _, err := s.desk.Reply(t.Context(), ticket, who, desk.Message{Client: "1", Text: "from the browser"}); err != nil {
		t.Fatal(err)
	}
	s.hears(mei, "from the browser")
	s.shows(topic.Thread, "🧑‍💼 from the browser")
}

// TestMerged: when the case of one topic is merged into that of another, what
// the merchant says goes on in the topic of where it was said, and what staff
// write there goes there.
func TestMerged(t *testing.T) {
	s := start(t, nil, "", fast)
	phone, till := s.api.User(55, "en"), s.api.User(66, "en")
	phone.Say("/human")
	first, card := s.card(1)
	double := strings.TrimPrefix(card.Buttons[0][0].Data, "1|g|take|")
	till.Say("/human")
	second, card := s.card(2)
	kept := strings.TrimPrefix(card.Buttons[0][0].Data, "1|g|take|")
	who := desk.Actor{ID: "s-li", Name: "Li"}
	if _, err := s.desk.Take(t.Context(), kept, who); err != nil {
		t.Fatal(err)
	}
	if _, err := s.desk.Merge(t.Context(), double, who, kept); err != nil {
		t.Fatal(err)
	}
	s.hears(phone, "together with your other chat ("+kept+")")
	phone.Say("it is still black")
	s.shows(first.Thread, "👤 it is still black")
	s.forum.Write(li, first.Thread, "hold the button, please")
	s.hears(phone, "hold the button, please")
	s.forum.Write(li, second.Thread, "and here I am too")
	s.hears(till, "and here I am too")
	if heard(till, "hold the button") || heard(phone, "and here I am too") {
		t.Error("an answer went to the other chat")
	}
}

// TestHealing: a topic that is deleted or closed, a group that has moved, a bot
// that was demoted.
func TestHealing(t *testing.T) {
	s := start(t, nil, "", fast)
	mei := s.api.User(55, "en")
	mei.Say("/human")
	topic, card := s.card(1)
	s.forum.Press(wang, card, "Take")
	s.forum.Delete(topic.Thread)
	mei.Say("are you there")
	topic, _ = s.card(2)
	s.shows(topic.Thread, "are you there")
	s.forum.Close(topic.Thread)
	mei.Say("hello again")
	s.shows(topic.Thread, "hello again")

	s.forum.Demote(true)
	s.shows(0, "no administrator any more")
	bo := s.api.User(56, "en")
	bo.Say("/human")
	s.shows(0, "I cannot open topics")
	s.forum.Demote(false)
	topic, _ = s.card(3)

	s.forum = s.forum.Move(-1009999999999)
	mei.Say("one more thing")
	s.api.Wait("a topic in the new group", func() bool {
		return slices.ContainsFunc(s.forum.Topics(), func(topic telegramtest.Topic) bool {
			return slices.ContainsFunc(s.forum.In(topic.Thread), func(m telegramtest.Message) bool { return strings.Contains(m.Text, "one more thing") })
		})
	})
	if chat, err := s.db.GroupChat(t.Context(), groupID); chat != s.forum.ID || err != nil {
		t.Errorf("the group is %d, %v", chat, err)
	}
}

// TestUndelivered: staff see it when the merchant cannot be reached.
func TestUndelivered(t *testing.T) {
	s := start(t, nil, "", fast)
	mei := s.api.User(55, "en")
	mei.Say("/human")
	topic, card := s.card(1)
	s.forum.Press(wang, card, "Take")
	s.api.Wait("it to be taken", func() bool { _, c := s.card(1); return strings.Contains(c.Text, "Owner: Wang") })
	mei.Block(true)
	s.forum.Write(wang, topic.Thread, "hello")
	s.shows(topic.Thread, "did not reach the merchant")
}

// TestSurge: many cases at once are one message, and a topic each when they are
// taken.
func TestSurge(t *testing.T) {
	const cases = 9
	s := start(t, nil, "", fast)
	hold := true
	s.api.Intercept(func(c telegramtest.Call) http.HandlerFunc {
		if hold && c.Chat() == groupID {
			return telegramtest.Flood(1)
		}
		return nil
	})
	users := make([]*telegramtest.User, cases)
	for i := range users {
		users[i] = s.api.User(int64(100+i), "en")
		users[i].Say("/human")
	}
	s.api.Wait("all to be open", func() bool {
		page, err := s.desk.Cases(t.Context(), desk.Filter{})
		return err == nil && len(page.Cases) == cases
	})
	before := len(s.forum.Topics())
	s.api.Intercept(nil)
	s.shows(0, "cases came at once")
	list := s.forum.In(0)[0]
	if len(list.Labels()) < 5 || before > 1 {
		t.Fatalf("the list has the buttons %q, and there are %d topics", list.Labels(), before)
	}
	s.forum.Press(wang, list, list.Labels()[2])
	s.api.Wait("its topic", func() bool {
		return slices.ContainsFunc(s.forum.Topics(), func(topic telegramtest.Topic) bool { return strings.HasPrefix(topic.Name, "🛠") })
	})
}

// TestRestart: another process goes on where this one stopped, without a second
// topic or card.
func TestRestart(t *testing.T) {
	a := start(t, nil, "", fast)
	mei := a.api.User(55, "en")
	mei.Say("/human")
	topic, card := a.card(1)
	a.stop()
	mei.Say("while nobody was there")
	b := start(t, a.api, a.dsn, fast)
	b.shows(topic.Thread, "while nobody was there")
	if n := len(b.forum.Topics()); n != 1 {
		t.Errorf("there are %d topics", n)
	}
	b.forum.Press(wang, card, "Take")
	b.api.Wait("the card to show it", func() bool { _, c := b.card(1); return strings.Contains(c.Text, "Owner: Wang") })
}

// TestLink: a one-time code makes staff of a Telegram user.
func TestLink(t *testing.T) {
	s := start(t, nil, "", fast)
	u := s.api.User(stranger, "en")
	u.Say("/start link_bad")
	s.hears(u, "wrong or too old")
	v := s.api.User(wang, "en")
	v.Say("/start link_good")
	s.hears(v, "Linked, Wang")
	w := s.api.User(li, "en")
	w.Say("abcd-2345-wxyz")
	s.hears(w, "Linked, Wang")
	w.Say("abcd-2345-wxyz") // at once again
	s.hears(w, "wrong or too old")
}
