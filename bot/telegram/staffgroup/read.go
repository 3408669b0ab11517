package staffgroup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/go-telegram/bot/models"

	"tilldesk/bot"
	"tilldesk/bot/desk"
	"tilldesk/bot/dialog"
	"tilldesk/bot/photo"
	"tilldesk/bot/staff"
	"tilldesk/bot/store"
	"tilldesk/bot/telegram/botapi"
)

// anonymous is the user that administrators write as who remain anonymous.
const anonymous = 1087968824

// Update handles what happens in the group. It returns an error only if the
// update must come again, because the desk's store failed; it may come again
// after any error then.
func (g *Group) Update(ctx context.Context, u *models.Update) error {
	switch {
	case u.CallbackQuery != nil:
		return g.pressed(ctx, u.CallbackQuery)
	case u.MyChatMember != nil:
		g.membership(u.MyChatMember)
	case u.EditedMessage != nil:
		return g.edited(ctx, u.EditedMessage)
	case u.Message != nil && u.Message.MigrateToChatID != 0:
		g.moved(ctx, u.Message.MigrateToChatID)
	case u.Message != nil && u.Message.MigrateFromChatID != 0:
		g.moved(ctx, u.Message.Chat.ID)
	case u.Message != nil:
		return g.written(ctx, u.Message)
	}
	return nil
}

func (g *Group) membership(m *models.ChatMemberUpdated) {
	if a := m.NewChatMember.Administrator; a != nil && a.CanManageTopics {
		g.log.Info("the bot may manage the topics of the staff group")
		g.touch()
		return
	}
	g.log.Error("the bot may not manage the topics of the staff group any more; see `tilldesk telegram check`", "status", m.NewChatMember.Type)
	if m.NewChatMember.Type == models.ChatMemberTypeMember || m.NewChatMember.Type == models.ChatMemberTypeAdministrator {
		g.tell(0, 0, g.say("demoted"))
	}
}

// linkEvery is how often one user may try a code.
const linkEvery = 2 * time.Second

// Link makes the sender of a one-time code staff, and returns what to say.
func (g *Group) Link(ctx context.Context, user *models.User, code string) (string, error) {
	if !g.once(fmt.Sprint("link ", user.ID), linkEvery) {
		return g.say("link_bad"), nil // nobody types so fast
	}
	who, err := g.people.Redeem(ctx, code, user.ID)
	switch {
	case errors.Is(err, staff.ErrUnknown):
		return g.say("link_bad"), nil
	case errors.Is(err, staff.ErrTaken):
		return g.say("link_taken"), nil
	case err != nil:
		return "", err
	}
	return g.say("linked", who.Name), nil
}

// actor returns who a Telegram user is at the desk; known is false for those
// who are not staff.
func (g *Group) actor(ctx context.Context, user *models.User) (who desk.Actor, known bool, err error) {
	if user == nil {
		return desk.Actor{}, false, nil
	}
	s, err := g.people.OfTelegram(ctx, user.ID)
	if errors.Is(err, staff.ErrUnknown) {
		return desk.Actor{}, false, nil
	}
	if err != nil {
		return desk.Actor{}, false, err
	}
	return desk.Actor{ID: string(s.ID), Name: s.Name, Lead: s.Role == staff.Lead}, true, nil
}

// hasContent reports whether somebody wrote a message, rather than Telegram:
// that it was pinned, say.
func hasContent(m *models.Message) bool {
	return m.Text != "" || m.Caption != "" || len(m.Photo) > 0 || m.Voice != nil || m.Document != nil || m.Video != nil ||
		m.VideoNote != nil || m.Audio != nil || m.Sticker != nil || m.Animation != nil || m.Location != nil || m.Contact != nil
}

// written handles a message in the group.
func (g *Group) written(ctx context.Context, m *models.Message) error {
	if !hasContent(m) {
		return nil
	}
	thread := 0
	if m.IsTopicMessage {
		thread = m.MessageThreadID
	}
	command, args, isCommand := parse(m.Text)
	t, inTopic, err := g.store.TopicAt(ctx, m.Chat.ID, thread)
	if err != nil {
		return err
	}
	if !inTopic && !isCommand {
		return nil // talk among staff
	}
	if m.SenderChat != nil || m.From != nil && m.From.ID == anonymous {
		g.tell(thread, m.ID, g.say("anonymous"))
		return nil
	}
	if m.From != nil && m.From.IsBot {
		return nil
	}
	who, known, err := g.actor(ctx, m.From)
	if err != nil {
		return err
	}
	if !known {
		if g.once(fmt.Sprint("stranger ", m.From.ID, thread), 10*time.Minute) {
			g.tell(thread, m.ID, g.say("stranger"))
		}
		return nil
	}
	if isCommand {
		return g.commanded(ctx, m, t, inTopic, who, command, args)
	}
	if strings.HasPrefix(m.Text, "//") {
		return g.commanded(ctx, m, t, inTopic, who, "note", strings.TrimSpace(m.Text[2:]))
	}
	return g.answered(ctx, m, t, who)
}

// parse reads a command, whichever bot it names: the group has one.
func parse(text string) (command, args string, ok bool) {
	word, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
	word, more, lines := strings.Cut(word, "\n")
	if lines {
		rest = more + " " + rest
	}
	word, ok = strings.CutPrefix(word, "/")
	word, _, _ = strings.Cut(word, "@")
	if !ok || word == "" || strings.HasPrefix(word, "/") {
		return "", "", false
	}
	return strings.ToLower(word), strings.TrimSpace(rest), true
}

// clients begins what the desk calls each message that is written here.
const clients = "telegram:"

// answered passes on to the merchant what the owner of a case writes.
func (g *Group) answered(ctx context.Context, m *models.Message, t store.Topic, who desk.Actor) error {
	if r := m.ReplyToMessage; r != nil && r.ID != m.MessageThreadID && r.From != nil && !r.From.IsBot {
		return nil // talk among staff
	}
	c, mine, err := g.caseFor(ctx, m, t, who)
	if err != nil || !mine {
		return err
	}
	media, ok, err := g.media(ctx, m, c)
	if err != nil {
		return err
	}
	if !ok {
		g.tell(t.Thread, m.ID, g.say("unsupported"))
		return nil
	}
	_, id, err := g.desk.Reply(ctx, c.Ticket, who, desk.Message{
		Client: fmt.Sprintf("%s%d:%d", clients, m.Chat.ID, m.ID), Text: m.Text + m.Caption, Media: media,
		To: t.Conversation,
	})
	if err != nil {
		return g.refused(t.Thread, m.ID, err)
	}
	return g.store.SavePost(ctx, store.Post{Message: id, Chat: m.Chat.ID, Thread: t.Thread, Post: m.ID})
}

// caseFor returns the case that what somebody writes in a topic goes to the
// merchant of. It reports false, and says why there, if it goes to nobody.
func (g *Group) caseFor(ctx context.Context, m *models.Message, t store.Topic, who desk.Actor) (desk.Case, bool, error) {
	c, err := g.caseOf(ctx, t)
	if err != nil {
		return desk.Case{}, false, err
	}
	switch {
	case !c.Open():
		g.tell(t.Thread, m.ID, g.say("no_case"))
	case c.Owner == "":
		if g.once("take "+c.Ticket+who.ID, 10*time.Minute) {
			g.tell(t.Thread, m.ID, g.say("take_first"))
		}
	case c.Owner != who.ID:
		if g.once("other "+c.Ticket+who.ID, 10*time.Minute) {
			name, err := g.nameOf(ctx, c.Owner)
			if err != nil {
				return desk.Case{}, false, err
			}
			g.tell(t.Thread, m.ID, g.say("of_other", name))
		}
	default:
		return c, true, nil
	}
	return desk.Case{}, false, nil
}

// caseOf returns the case that the merchant of a topic is with, or their newest
// one.
func (g *Group) caseOf(ctx context.Context, t store.Topic) (desk.Case, error) {
	cases, err := g.desk.CasesOf(ctx, t.Conversation, 1)
	if err != nil {
		return desk.Case{}, err
	}
	if len(cases) == 0 {
		return desk.Case{State: desk.Closed}, nil
	}
	return g.current(ctx, cases[0])
}

// current returns the case that the conversation of a case is with: that case,
// or the one of another conversation of the merchant that it was merged into.
func (g *Group) current(ctx context.Context, c desk.Case) (desk.Case, error) {
	if c.Open() {
		return c, nil
	}
	talk, err := g.store.Conversation(ctx, c.Conversation)
	if err != nil || talk.State.Phase != dialog.WithHuman || talk.State.Ticket == "" || talk.State.Ticket == c.Ticket {
		return c, err
	}
	other, err := g.desk.Case(ctx, talk.State.Ticket)
	if errors.Is(err, desk.ErrNotFound) {
		return c, nil
	}
	other.Address = talk.Address // what is answered here goes there
	return other, err
}

// refused tells staff why the desk did not do something; what is the fault of
// the store is returned, and comes again.
func (g *Group) refused(thread, to int, err error) error {
	why, ok := g.why(err)
	if !ok {
		return err
	}
	g.tell(thread, to, why)
	return nil
}

func (g *Group) why(err error) (string, bool) {
	var taken *desk.TakenError
	var state *desk.StateError
	var input *desk.InputError
	switch {
	case errors.As(err, &taken):
		name := taken.Name
		if name == "" {
			name = taken.Owner
		}
		return g.say("taken_by", name), true
	case errors.As(err, &input):
		return g.say("failed", input.Why.In(g.opt.Lang)), true
	case errors.As(err, &state), errors.Is(err, desk.ErrNotFound), errors.Is(err, desk.ErrNotReady):
		return g.say("failed", err), true
	}
	return "", false
}

// media returns the files of a message of staff as they can be sent on; false
// if they cannot be.
func (g *Group) media(ctx context.Context, m *models.Message, c desk.Case) ([]bot.Media, bool, error) {
	var file bot.Media
	switch {
	case len(m.Photo) > 0:
		best := m.Photo[len(m.Photo)-1]
		file = bot.Media{Kind: "image", Type: "image/jpeg", Remote: best.FileID, Bytes: int64(best.FileSize)}
	case m.Voice != nil:
		file = bot.Media{Kind: "voice", Type: "audio/ogg", Remote: m.Voice.FileID, Bytes: m.Voice.FileSize}
	case m.Document != nil && m.Animation == nil:
		file = bot.Media{Kind: "file", Type: m.Document.MimeType, Remote: m.Document.FileID, Bytes: m.Document.FileSize}
	case m.Text != "":
		return nil, true, nil
	default:
		return nil, false, nil
	}
	if file.Kind == "image" && g.opt.Data != nil {
		kept, err := g.keep(ctx, m, file)
		if err == nil {
			return []bot.Media{kept}, true, nil
		}
		g.log.Warn("a picture of staff could not be kept here", "error", err)
	}
	// Telegram has it; other networks cannot get it from there.
	return []bot.Media{file}, c.Address.Channel == "telegram", nil
}

// keep fetches a picture, so that it can be shown and sent anywhere.
func (g *Group) keep(ctx context.Context, m *models.Message, file bot.Media) (bot.Media, error) {
	const most = 10 << 20
	body, err := g.api.Fetch(ctx, file.Remote, most)
	if err != nil {
		return file, err
	}
	var fresh bytes.Buffer
	if err := photo.Reencode(&fresh, body); err != nil {
		return file, err
	}
	const folder = "telegram"
	if err := g.opt.Data.MkdirAll(folder, 0o700); err != nil {
		return file, err
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "staff %d %d", m.Chat.ID, m.ID))
	file.Path, file.Bytes = path.Join(folder, hex.EncodeToString(sum[:16])+".jpg"), int64(fresh.Len())
	return file, photo.Write(g.opt.Data, file.Path, fresh.Bytes())
}

// answerPress ends the waiting of a button, with a notice.
func (g *Group) answerPress(id, text string) {
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), callTime)
		defer cancel()
		if err := g.api.AnswerCallbackQuery(ctx, id, botapi.Clip(text, 190)); err != nil {
			g.log.Debug("a press could not be answered", "error", err)
		}
	}()
}

// pressed does what a button of a card or list is for.
func (g *Group) pressed(ctx context.Context, q *models.CallbackQuery) error {
	who, known, err := g.actor(ctx, &q.From)
	if err != nil {
		return err
	}
	if !known {
		g.answerPress(q.ID, g.say("stranger"))
		return nil
	}
	rest, ours := strings.CutPrefix(q.Data, groupData)
	action, ticket, whole := strings.Cut(rest, "|")
	if !ours || !whole {
		g.answerPress(q.ID, "")
		return nil
	}
	if action == "log" {
		g.answerPress(q.ID, "")
		return g.transcript(ctx, ticket)
	}
	said, err := g.move(ctx, who, ticket, action, "")
	if err != nil {
		why, ok := g.why(err)
		if !ok {
			return err
		}
		said = why
	}
	g.touch(ticket)
	g.answerPress(q.ID, said)
	return nil
}

// move makes a move at the desk and returns what to say.
func (g *Group) move(ctx context.Context, who desk.Actor, ticket, action, args string) (string, error) {
	var err error
	done := ""
	switch action {
	case "take":
		_, err = g.desk.Take(ctx, ticket, who)
		done = "taken"
	case "resolve":
		_, err = g.desk.Resolve(ctx, ticket, who, desk.Finding{Cause: args})
		done = "resolved"
	case "putback":
		_, err = g.desk.PutBack(ctx, ticket, who, args)
		done = "put_back"
	case "release":
		_, err = g.desk.Release(ctx, ticket, who)
		done = "released"
	case "note":
		_, err = g.desk.Note(ctx, ticket, who, args, nil)
		done = "noted"
	default:
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return g.say(done), nil
}
