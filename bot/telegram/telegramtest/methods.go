package telegramtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// maxFile is how large a file may be to be fetched.
const maxFile = 20 << 20

func bad(format string, args ...any) *refusal {
	return &refusal{code: http.StatusBadRequest, text: "Bad Request: " + fmt.Sprintf(format, args...)}
}

func forbidden(text string) *refusal {
	return &refusal{code: http.StatusForbidden, text: "Forbidden: " + text}
}

func (c Call) number(name string) int {
	n, _ := strconv.Atoi(c.Params[name])
	return n
}

// perform does what a call asks for. s.mu is held.
func (s *Server) perform(call Call) (any, *refusal) {
	switch call.Method {
	case "getMe":
		return map[string]any{"id": s.ID, "is_bot": true, "first_name": "tilldesk", "username": BotName, "can_join_groups": true}, nil
	case "getWebhookInfo":
		return map[string]any{"url": s.webhook.url, "has_custom_certificate": false, "pending_update_count": len(s.queue), "allowed_updates": s.allowed}, nil
	case "setWebhook":
		s.webhook = webhook{call.Params["url"], call.Params["secret_token"]}
		_ = json.Unmarshal([]byte(call.Params["allowed_updates"]), &s.allowed)
		return true, nil
	case "deleteWebhook":
		s.webhook = webhook{}
		return true, nil
	case "setMyCommands":
		s.menus = append(s.menus, call)
		return true, nil
	case "answerCallbackQuery":
		id := call.Params["callback_query_id"]
		if _, answered := s.pressed[id]; answered || !strings.HasPrefix(id, "press-") {
			return nil, bad("query is too old and response timeout expired or query ID is invalid")
		}
		s.pressed[id] = call.Params["text"]
		return true, nil
	case "getFile":
		f, ok := s.files[call.Params["file_id"]]
		switch {
		case !ok:
			return nil, bad("invalid file_id")
		case f.size > maxFile:
			return nil, bad("file is too big")
		}
		return map[string]any{"file_id": call.Params["file_id"], "file_unique_id": "u", "file_size": f.size, "file_path": f.path}, nil
	}
	return s.inChat(call)
}

// inChat does what a call asks for in a chat. s.mu is held.
func (s *Server) inChat(call Call) (any, *refusal) {
	c := s.chats[call.Chat()]
	switch {
	case c == nil:
		return nil, bad("chat not found")
	case c.moved != 0:
		return nil, &refusal{code: http.StatusBadRequest, text: "Bad Request: group chat was upgraded to a supergroup chat", more: map[string]any{"migrate_to_chat_id": c.moved}}
	case c.blocked:
		return nil, forbidden("bot was blocked by the user")
	case c.kind != "private" && c.member == "kicked":
		return nil, forbidden("bot was kicked from the supergroup chat")
	case c.kind != "private" && c.member == "left" && call.Method != "getChat":
		return nil, forbidden("bot is not a member of the supergroup chat")
	}
	switch call.Method {
	case "sendMessage", "sendPhoto", "sendVoice", "sendDocument", "copyMessage":
		return s.sendTo(c, call)
	case "editMessageText", "editMessageReplyMarkup":
		return s.editIn(c, call)
	case "pinChatMessage", "setMessageReaction":
		return s.mark(c, call)
	case "createForumTopic", "editForumTopic", "closeForumTopic", "reopenForumTopic":
		return s.topic(c, call)
	case "sendChatAction":
		return true, nil
	case "leaveChat":
		c.member = "left"
		return true, nil
	case "getChat":
		v := c.json()
		v["accent_color_id"], v["max_reaction_count"], v["accepted_gift_types"] = 0, 11, map[string]any{}
		return v, nil
	case "getChatMember":
		v := s.membership(c.member)
		for right, has := range c.rights {
			v[right] = has
		}
		return v, nil
	}
	return nil, bad("method not found")
}

// thread checks the topic that a call names.
func (c *chat) thread(call Call) (int, *refusal) {
	id := call.number("message_thread_id")
	if id == 0 {
		return 0, nil
	}
	switch t := c.topics[id]; {
	case t == nil || t.Deleted:
		return 0, bad("message thread not found")
	case t.Closed && !c.rights["can_manage_topics"]:
		return 0, bad("TOPIC_CLOSED")
	}
	return id, nil
}

func (s *Server) sendTo(c *chat, call Call) (any, *refusal) {
	thread, refused := c.thread(call)
	if refused != nil {
		return nil, refused
	}
	m := Message{From: s.ID, Thread: thread, Text: call.Params["text"] + call.Params["caption"], Buttons: buttons(call)}
	if raw := call.Params["reply_parameters"]; raw != "" {
		var to struct {
			Message int  `json:"message_id"`
			Without bool `json:"allow_sending_without_reply"`
		}
		_ = json.Unmarshal([]byte(raw), &to)
		if c.find(to.Message) == nil && !to.Without {
			return nil, bad("message to be replied not found")
		}
		m.ReplyTo = to.Message
	}
	if call.Method == "sendMessage" && strings.TrimSpace(m.Text) == "" {
		return nil, bad("message text is empty")
	}
	for _, kind := range []string{"photo", "voice", "document"} {
		if body, uploaded := call.Files[kind]; uploaded {
			m.File = fmt.Sprintf("%s upload of %d bytes", kind, len(body))
		} else if id := call.Params[kind]; id != "" {
			if _, ok := s.files[id]; !ok {
				return nil, bad("wrong file identifier/HTTP URL specified")
			}
			m.File = kind + " " + id
		}
	}
	if call.Method == "copyMessage" {
		from, _ := strconv.ParseInt(call.Params["from_chat_id"], 10, 64)
		source := s.chats[from]
		if source == nil || source.find(call.number("message_id")) == nil {
			return nil, bad("message to copy not found")
		}
		original := source.find(call.number("message_id"))
		m.Text, m.File = original.Text, "copy of "+strconv.Itoa(original.ID)
		return map[string]any{"message_id": c.add(m).ID}, nil
	}
	return s.show(c, c.add(m)), nil
}

func buttons(call Call) [][]Button {
	var m markup
	_ = json.Unmarshal([]byte(call.Params["reply_markup"]), &m) // was checked
	for _, row := range m.Rows {
		for i := range row {
			row[i].Copy = nil
		}
	}
	return m.Rows
}

func (s *Server) editIn(c *chat, call Call) (any, *refusal) {
	m := c.find(call.number("message_id"))
	if m == nil || m.From != s.ID {
		return nil, bad("message to edit not found")
	}
	text := m.Text
	if call.Method == "editMessageText" {
		text = call.Params["text"]
	}
	rows := buttons(call)
	if text == m.Text && slices.EqualFunc(rows, m.Buttons, slices.Equal) {
		return nil, bad("message is not modified: specified new message content and reply markup are exactly the same")
	}
	m.Text, m.Buttons = text, rows
	m.Edits++
	return s.show(c, m), nil
}

func (s *Server) mark(c *chat, call Call) (any, *refusal) {
	m := c.find(call.number("message_id"))
	if m == nil {
		return nil, bad("message to react not found")
	}
	if call.Method == "pinChatMessage" {
		if !c.rights["can_pin_messages"] && c.kind != "private" {
			return nil, bad("not enough rights to manage pinned messages in the chat")
		}
		m.Pinned = true
		return true, nil
	}
	var list []struct{ Emoji string }
	_ = json.Unmarshal([]byte(call.Params["reaction"]), &list)
	m.Reaction = ""
	if len(list) > 0 {
		m.Reaction = list[0].Emoji
	}
	return true, nil
}

func (s *Server) topic(c *chat, call Call) (any, *refusal) {
	if !c.forum {
		return nil, bad("the chat is not a forum")
	}
	if !c.rights["can_manage_topics"] {
		return nil, bad("not enough rights to create a topic")
	}
	if call.Method == "createForumTopic" {
		id := c.add(Message{From: s.ID}).ID
		c.topics[id] = &Topic{Thread: id, Name: call.Params["name"]}
		return map[string]any{"message_thread_id": id, "name": call.Params["name"], "icon_color": 7322096}, nil
	}
	t := c.topics[call.number("message_thread_id")]
	if t == nil || t.Deleted {
		return nil, bad("TOPIC_ID_INVALID")
	}
	switch call.Method {
	case "editForumTopic":
		if t.Name == call.Params["name"] {
			return nil, bad("TOPIC_NOT_MODIFIED")
		}
		t.Name = call.Params["name"]
	case "closeForumTopic":
		if t.Closed {
			return nil, bad("TOPIC_NOT_MODIFIED")
		}
		t.Closed = true
	case "reopenForumTopic":
		if !t.Closed {
			return nil, bad("TOPIC_NOT_MODIFIED")
		}
		t.Closed = false
	}
	return true, nil
}

// serveFile serves a file at the place that getFile has named.
func (s *Server) serveFile(w http.ResponseWriter, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.files {
		if f.path == name {
			_, _ = w.Write(f.body)
			return
		}
	}
	http.NotFound(w, nil)
}
