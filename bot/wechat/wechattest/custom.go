package wechattest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Sent is a message that the API took.
type Sent struct {
	To      string
	Kind    string // msgtype
	Text    string // of a menu: head and labels, a line each
	MediaID string
	At      time.Time
}

// user is what WeChat grants for a follower.
type user struct {
	until   time.Time
	left    int
	spoke   time.Time // the last exchange
	typing  time.Time
	refuses int // a code, if no message is taken at all
}

// Grants of WeChat.
const (
	ByMessage = "message"
	ByClick   = "click"
)

// Heard notes that a follower did something, which grants messages.
func (a *API) Heard(openID, kind string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	u := a.users[openID]
	if u == nil {
		u = &user{}
		a.users[openID] = u
	}
	now := time.Now()
	u.spoke = now
	if kind == ByMessage {
		u.left, u.until = 5, now.Add(48*time.Hour)
	} else if !now.Before(u.until) || u.left == 0 {
		u.left, u.until = 3, now.Add(time.Minute)
	}
}

// Refuse lets all messages to a follower fail with a code.
func (a *API) Refuse(openID string, code int) {
	a.Heard(openID, ByMessage)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.users[openID].refuses = code
}

// Forget makes WeChat count as if the follower's grant were used up or over.
func (a *API) Forget(openID string, over bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if u := a.users[openID]; over {
		u.until = time.Time{}
	} else {
		u.left = 0
	}
}

// Sent returns what was sent, oldest first.
func (a *API) Sent() []Sent {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.sent)
}

// custom is a customer-service message (发送客服消息).
type custom struct {
	To   string `json:"touser"`
	Kind string `json:"msgtype"`
	Text *struct {
		Content string `json:"content"`
	} `json:"text"`
	Image *struct {
		MediaID string `json:"media_id"`
	} `json:"image"`
	Menu *struct {
		Head string `json:"head_content"`
		Tail string `json:"tail_content"`
		List []struct {
			ID      string `json:"id"`
			Content string `json:"content"`
		} `json:"list"`
	} `json:"msgmenu"`
	Agent *struct {
		Account string `json:"kf_account"`
	} `json:"customservice"`
	AI *struct {
		Is int `json:"is_ai_msg"`
	} `json:"aimsgcontext"`
}

func (a *API) send(r *http.Request, body []byte) int {
	var m custom
	if code := a.read(r, body, &m); code != 0 {
		return code
	}
	if m.AI != nil {
		a.mistake("what no model wrote is marked as written by one")
	}
	sent := Sent{To: m.To, Kind: m.Kind, At: time.Now()}
	switch {
	case m.Kind == "text" && m.Text != nil && m.Image == nil && m.Menu == nil:
		sent.Text = m.Text.Content
		if strings.TrimSpace(sent.Text) == "" {
			a.mistake("an empty text")
			return 44004
		}
		if len(sent.Text) > maxText {
			a.mistake("a text of %d bytes", len(sent.Text))
			return TooLong
		}
		if err := checkText(sent.Text); err != nil {
			a.mistake("%v", err)
		}
	case m.Kind == "image" && m.Image != nil && m.Text == nil && m.Menu == nil:
		if sent.MediaID = m.Image.MediaID; a.media[sent.MediaID] == nil {
			return 40007
		}
	case m.Kind == "msgmenu" && m.Menu != nil && m.Text == nil && m.Image == nil:
		if a.NoMenus {
			return 40200
		}
		lines := []string{m.Menu.Head}
		for _, item := range m.Menu.List {
			if _, err := strconv.Atoi(item.ID); err != nil || item.Content == "" {
				a.mistake("a menu with the item %q %q", item.ID, item.Content)
			}
			lines = append(lines, item.Content)
		}
		if len(m.Menu.List) == 0 {
			a.mistake("a menu without items")
		}
		sent.Text = strings.Join(append(lines, m.Menu.Tail), "\n")
	default:
		a.mistake("a message of the type %q with other contents", m.Kind)
		return 40008
	}
	if a.NoMessages {
		return NotGranted
	}
	u := a.users[m.To]
	switch {
	case u == nil:
		return 40003
	case u.refuses != 0:
		return u.refuses
	case !time.Now().Before(u.until):
		return WindowClosed
	case u.left == 0:
		return UsedUp
	}
	u.left--
	u.spoke, u.typing = time.Now(), time.Time{}
	a.sent = append(a.sent, sent)
	return 0
}

func (a *API) showTyping(r *http.Request, body []byte) int {
	var in struct {
		To      string `json:"touser"`
		Command string `json:"command"`
	}
	if code := a.read(r, body, &in); code != 0 {
		return code
	}
	u, now := a.users[in.To], time.Now()
	switch {
	case a.NoMessages:
		return NotGranted
	case in.Command != "Typing" && in.Command != "CancelTyping":
		return 45072
	case u == nil || now.Sub(u.spoke) > 30*time.Second:
		return 45080
	case now.Sub(u.typing) < 15*time.Second:
		return 45081
	}
	u.typing = now
	return 0
}
