package telegramtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// A Forum is a private supergroup with topics, in which the bot is an
// administrator with the rights that it needs.
type Forum struct {
	s  *Server
	ID int64
}

// Forum returns the forum with an id.
func (s *Server) Forum(id int64) *Forum {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.chats[id] == nil {
		s.chats[id] = &chat{id: id, nextID: 100, kind: "supergroup", title: "Desk", forum: true, topics: map[int]*Topic{}, member: "administrator",
			rights: map[string]bool{"can_manage_topics": true, "can_pin_messages": true}, users: map[int64]string{}}
	}
	return &Forum{s, id}
}

// Topics returns the topics, in the order of their threads.
func (f *Forum) Topics() []Topic {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	topics := f.s.chats[f.ID].topics
	var all []Topic
	for _, thread := range slices.Sorted(maps.Keys(topics)) {
		all = append(all, *topics[thread])
	}
	return all
}

// In returns what is in a topic, oldest first; 0 is General.
func (f *Forum) In(thread int) []Message {
	var in []Message
	for _, m := range f.s.Messages(f.ID) {
		if m.Thread == thread && m.Text+m.File != "" {
			in = append(in, m)
		}
	}
	return in
}

// Write lets a user write into a topic, and returns the message.
func (f *Forum) Write(user int64, thread int, text string) int {
	return f.Send(user, thread, map[string]any{"text": text})
}

// Send lets a user send a message of any kind, given by its fields.
func (f *Forum) Send(user int64, thread int, fields map[string]any) int {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	c := f.s.chats[f.ID]
	text, _ := fields["text"].(string)
	m := c.add(Message{From: user, Thread: thread, Text: text})
	f.s.push(f.s.wrap("message", c, m, fields))
	return m.ID
}

// Edit gives a message of a user another text.
func (f *Forum) Edit(id int, text string) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	c := f.s.chats[f.ID]
	m := c.find(id)
	m.Text = text
	m.Edits++
	f.s.push(f.s.wrap("edited_message", c, m, map[string]any{"text": text, "edit_date": m.At.Unix() + int64(m.Edits)}))
}

// Press lets a user press the button with a label on a message.
func (f *Forum) Press(user int64, m Message, label string) {
	f.s.t.Helper()
	for _, row := range m.Buttons {
		for _, b := range row {
			if b.Text == label {
				f.s.press(user, f.ID, m.ID, b.Data)
				return
			}
		}
	}
	f.s.t.Fatalf("no button says %q, but %q", label, m.Labels())
}

// Delete deletes a topic, of which nobody is told.
func (f *Forum) Delete(thread int) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	f.s.chats[f.ID].topics[thread].Deleted = true
}

// Close closes a topic.
func (f *Forum) Close(thread int) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	f.s.chats[f.ID].topics[thread].Closed = true
}

// Demote makes the bot an ordinary member, or an administrator again.
func (f *Forum) Demote(demoted bool) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	c := f.s.chats[f.ID]
	c.member = "administrator"
	c.rights = map[string]bool{"can_manage_topics": !demoted, "can_pin_messages": !demoted}
	if demoted {
		c.member, c.rights = "member", map[string]bool{}
	}
	v := f.s.membership(c.member)
	for right, has := range c.rights {
		v[right] = has
	}
	raw, _ := json.Marshal(map[string]any{"chat": c.json(), "from": map[string]any{"id": 1}, "date": time.Now().Unix(),
		"old_chat_member": f.s.membership("left"), "new_chat_member": v})
	f.s.push(fmt.Sprintf(`"my_chat_member":%s}`, raw))
}

// Move gives the group another id, as an upgrade does; its topics are gone.
func (f *Forum) Move(to int64) *Forum {
	moved := f.s.Forum(to)
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	f.s.chats[f.ID].moved = to
	return moved
}
