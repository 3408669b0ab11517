package telegramtest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// A Message is one in a chat, as those who read it see it.
type Message struct {
	ID       int
	Chat     int64
	Thread   int // the topic; 0: none, or General
	From     int64
	Text     string // or the caption
	File     string // what came with it: the name of the kind, and its file id
	Buttons  [][]Button
	ReplyTo  int
	Edits    int
	Reaction string // of the bot
	Pinned   bool
	At       time.Time
}

// Labels returns what stands on the buttons, in order.
func (m Message) Labels() []string {
	var labels []string
	for _, row := range m.Buttons {
		for _, b := range row {
			labels = append(labels, b.Text)
		}
	}
	return labels
}

// chat is a private chat, or a group.
type chat struct {
	id       int64
	kind     string // private, supergroup
	title    string
	forum    bool
	lang     string
	first    string
	blocked  bool
	moved    int64 // to which id the group was moved
	messages []Message
	nextID   int
	topics   map[int]*Topic
	rights   map[string]bool // of the bot
	member   string          // what the bot is: administrator, member, left
	users    map[int64]string
}

// Topic is one of a forum.
type Topic struct {
	Thread  int
	Name    string
	Closed  bool
	Deleted bool
}

func (c *chat) find(id int) *Message {
	i := slices.IndexFunc(c.messages, func(m Message) bool { return m.ID == id })
	if i < 0 {
		return nil
	}
	return &c.messages[i]
}

func (c *chat) add(m Message) *Message {
	c.nextID++
	m.ID, m.Chat, m.At = c.nextID, c.id, time.Now()
	c.messages = append(c.messages, m)
	return &c.messages[len(c.messages)-1]
}

// chatJSON is the chat as an update has it.
func (c *chat) json() map[string]any {
	v := map[string]any{"id": c.id, "type": c.kind}
	if c.kind == "private" {
		v["first_name"] = c.first
	} else {
		v["title"] = c.title
		v["is_forum"] = c.forum
	}
	return v
}

// show is a message as the API returns it.
func (s *Server) show(c *chat, m *Message) map[string]any {
	v := map[string]any{"message_id": m.ID, "date": m.At.Unix(), "chat": c.json(), "from": s.user(c, m.From)}
	if m.File == "" {
		v["text"] = m.Text
	} else if m.Text != "" {
		v["caption"] = m.Text
	}
	if m.Thread != 0 {
		v["message_thread_id"], v["is_topic_message"] = m.Thread, true
	}
	if len(m.Buttons) > 0 {
		v["reply_markup"] = markup{m.Buttons}
	}
	return v
}

func (s *Server) user(c *chat, id int64) map[string]any {
	if id == s.ID {
		return map[string]any{"id": s.ID, "is_bot": true, "first_name": "tilldesk", "username": BotName}
	}
	v := map[string]any{"id": id, "is_bot": false, "first_name": "User " + strconv.FormatInt(id, 10)}
	if c.kind == "private" {
		v["first_name"] = c.first
	} else if name := c.users[id]; name != "" {
		v["first_name"] = name
	}
	if c.lang != "" {
		v["language_code"] = c.lang
	}
	return v
}

// A User is a merchant with a private chat.
type User struct {
	s  *Server
	ID int64
}

// User returns the user with an id, whose Telegram speaks a language; they have
// pressed Start already, which is not told to the bot.
func (s *Server) User(id int64, lang string) *User {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.chats[id] == nil {
		s.chats[id] = &chat{id: id, kind: "private", first: "Mei", lang: lang}
	}
	return &User{s, id}
}

// Say writes a message and returns the id of its update.
func (u *User) Say(text string) int64 { return u.Send(map[string]any{"text": text}) }

// Send sends a message of any kind, given by its fields.
func (u *User) Send(fields map[string]any) int64 {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	c := u.s.chats[u.ID]
	text, _ := fields["text"].(string)
	if caption, ok := fields["caption"].(string); ok {
		text = caption
	}
	m := c.add(Message{From: u.ID, Text: text})
	return u.s.push(u.s.wrap("message", c, m, fields))
}

// Edit gives a message of the user another text.
func (u *User) Edit(id int, text string) int64 {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	c := u.s.chats[u.ID]
	m := c.find(id)
	m.Text = text
	m.Edits++
	return u.s.push(u.s.wrap("edited_message", c, m, map[string]any{"text": text, "edit_date": m.At.Unix() + int64(m.Edits)}))
}

// wrap makes the fields of an update with a message. s.mu is held.
func (s *Server) wrap(kind string, c *chat, m *Message, fields map[string]any) string {
	v := s.show(c, m)
	delete(v, "text")
	delete(v, "caption")
	for name, value := range fields {
		v[name] = value
	}
	raw, err := json.Marshal(v)
	if err != nil {
		s.t.Fatal(err)
	}
	return fmt.Sprintf(`%q:%s}`, kind, raw)
}

// Delete removes a message from the user's chat, on both sides. Bots are not
// told.
func (u *User) Delete(id int) {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	c := u.s.chats[u.ID]
	c.messages = slices.DeleteFunc(c.messages, func(m Message) bool { return m.ID == id })
}

// Press presses the button with a label, below the newest message that has one.
func (u *User) Press(label string) int64 {
	u.s.t.Helper()
	for _, m := range slices.Backward(u.Messages()) {
		for _, row := range m.Buttons {
			for _, b := range row {
				if b.Text == label {
					return u.s.press(u.ID, u.ID, m.ID, b.Data)
				}
			}
		}
	}
	u.s.t.Fatalf("no button says %q", label)
	return 0
}

// PressData sends the data of a button, that the message may not have.
func (u *User) PressData(message int, data string) int64 { return u.s.press(u.ID, u.ID, message, data) }

// press presses a button of a message in a chat.
func (s *Server) press(who, where int64, message int, data string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.chats[where]
	s.presses++
	v := map[string]any{"id": fmt.Sprintf("press-%d", s.presses), "from": s.user(c, who), "chat_instance": "1", "data": data}
	if m := c.find(message); m != nil {
		v["message"] = s.show(c, m)
	} else {
		v["message"] = map[string]any{"message_id": message, "date": 0, "chat": c.json()}
	}
	raw, err := json.Marshal(v)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.push(fmt.Sprintf(`"callback_query":%s}`, raw))
}

// Notices returns the notices that presses were answered with, "" for those
// without words.
func (s *Server) Notices() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]string{}
	for id, text := range s.pressed {
		all[id] = text
	}
	return all
}

// Block lets the user block the bot, or unblock it.
func (u *User) Block(blocked bool) {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	c := u.s.chats[u.ID]
	c.blocked = blocked
	was, is := "member", "kicked"
	if !blocked {
		was, is = is, was
	}
	raw, _ := json.Marshal(map[string]any{"chat": c.json(), "from": u.s.user(c, u.ID), "date": time.Now().Unix(),
		"old_chat_member": u.s.membership(was), "new_chat_member": u.s.membership(is)})
	u.s.push(fmt.Sprintf(`"my_chat_member":%s}`, raw))
}

func (s *Server) membership(status string) map[string]any {
	v := map[string]any{"status": status, "user": map[string]any{"id": s.ID, "is_bot": true, "first_name": "tilldesk"}}
	if status == "kicked" {
		v["until_date"] = 0
	}
	return v
}

// Messages returns what is in the chat, oldest first.
func (u *User) Messages() []Message { return u.s.Messages(u.ID) }

// Heard returns what the bot said, oldest first.
func (u *User) Heard() []Message {
	var heard []Message
	for _, m := range u.Messages() {
		if m.From == u.s.ID {
			heard = append(heard, m)
		}
	}
	return heard
}

// Messages returns what is in a chat, oldest first.
func (s *Server) Messages(id int64) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.chats[id]
	if c == nil {
		return nil
	}
	return slices.Clone(c.messages)
}

// File lets the server have a file, and returns its id. size is what the server
// says of it, the real one if 0.
func (s *Server) File(name string, body []byte, size int64) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if size == 0 {
		size = int64(len(body))
	}
	id := fmt.Sprintf("file-%d-%s", len(s.files)+1, name)
	s.files[id] = file{"photos/" + name, body, size}
	return id
}
