package wechat

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"tilldesk/bot"
	"tilldesk/content/source"
)

// unsupported is what WeChat sends in the place of a sticker, or of anything
// else that it does not pass on.
const unsupported = "【收到不支持的消息类型，暂无法显示】"

// incoming is an authentic message or event of WeChat's (接收普通消息,
// 接收事件推送).
type incoming struct {
	elements
	to, from string // our original id, the merchant's OpenID
	kind     string // MsgType
	event    string
	created  time.Time // zero if it does not say
}

func newIncoming(e elements) incoming {
	in := incoming{elements: e, to: e.get("ToUserName"), from: e.get("FromUserName"), kind: e.get("MsgType"), event: e.get("Event")}
	if s, err := strconv.ParseInt(e.get("CreateTime"), 10, 64); err == nil && s > 0 && s < 1<<40 {
		in.created = time.Unix(s, 0)
	}
	return in
}

// key is what makes a delivery the same as another one. WeChat's MsgId alone
// was seen twice, and events have none.
func (in incoming) key() bot.RemoteID {
	h := sha256.New()
	for _, name := range []string{"ToUserName", "FromUserName", "CreateTime", "MsgType", "MsgId", "Event", "EventKey", "Ticket", "MsgID"} {
		v := in.get(name)
		h.Write([]byte(strconv.Itoa(len(v)) + ":" + v))
	}
	return bot.RemoteID(hex.EncodeToString(h.Sum(nil)[:20]))
}

// inbound is a message, or a click that says something, as the engine takes it;
// ok is false for what only has to be acknowledged.
func (c *Channel) inbound(in incoming) (m bot.Inbound, ok bool) {
	m = bot.Inbound{
		Address: bot.Address{Channel: c.Name(), Remote: in.from}, Remote: in.key(), At: in.created, Lang: source.Zh,
	}
	switch in.kind {
	case "text":
		m.Text = in.elements["Content"]
		if strings.TrimSpace(m.Text) == unsupported {
			m.Text, m.Media = "", []bot.Media{{Kind: "unsupported"}}
		}
	case "image":
		m.Media = []bot.Media{{Kind: "image", Type: "image/jpeg", Remote: strings.TrimSpace(in.get("MediaId") + " " + in.get("PicUrl"))}}
	case "voice":
		m.Text = in.get("Recognition")
		m.Media = []bot.Media{{Kind: "voice", Type: "audio/amr", Remote: strings.TrimSpace(in.get("MediaId16K") + " " + in.get("MediaId"))}}
	case "video", "shortvideo":
		m.Media = []bot.Media{{Kind: "video", Remote: in.get("MediaId")}}
	case "location":
		m.Media = []bot.Media{{Kind: "location", Remote: strings.TrimSpace(in.get("Location_X") + "," + in.get("Location_Y") + " " + in.get("Label"))}}
	case "link":
		m.Media = []bot.Media{{Kind: "link", Remote: in.get("Url")}}
	case "event":
		switch in.event {
		case "CLICK", "subscribe", "SCAN":
			m.Text, ok = spoken(in.get("EventKey"))
		}
		return m, ok
	default: // what WeChat may invent
		m.Media = []bot.Media{{Kind: "unsupported"}}
	}
	for i := range m.Media {
		m.Media[i].Remote = clip(m.Media[i].Remote, bot.MaxIDBytes)
	}
	return m, true
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// clip returns a text of at most n bytes, without half a character at its end.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}
